#include "dense_matmul.h"

#include "contiguous.h"
#include "dispatch.h"
#include "float_type.h"
#include "matmul.h"
#include "mlx/allocator.h"
#include "mlx/ops.h"
#include "mlx/primitives.h"
#include "mlx/utils.h"

namespace abstractllm::cpu {

namespace {

// Whether the matrices in the last two axes have consecutive rows or consecutive columns.
bool is_readable(const mx::array& b) {
  const int64_t column = b.strides(-1), row = b.strides(-2);
  return (column == 1 && row >= 0) || (row == 1 && column >= 0);
}

DenseMatrix matrix_of(const mx::array& b) {
  const size_t K = static_cast<size_t>(b.shape(-2));
  const bool transposed = b.strides(-1) != 1 || (b.strides(-2) == 1 && K > 1);
  const size_t stride = static_cast<size_t>(transposed ? b.strides(-1) : b.strides(-2));
  return {b.data<void>(), *float_type(b.dtype()), transposed, stride, K};
}

// Where each of the `batch` products finds its matrix, in elements from the start.
std::vector<int64_t> batch_offsets(const mx::array& a, const mx::Shape& batch) {
  size_t count = 1;
  for (auto size : batch) count *= static_cast<size_t>(size);
  std::vector<int64_t> offsets(count, 0);
  const size_t rank = a.ndim() - 2, lead = batch.size() - rank;
  for (size_t i = 0; i < count; i++) {
    size_t rest = i;
    for (size_t d = batch.size(); d-- > lead;) {
      const size_t at = rest % static_cast<size_t>(batch[d]);
      rest /= static_cast<size_t>(batch[d]);
      if (a.shape(static_cast<int>(d - lead)) > 1) {
        offsets[i] += static_cast<int64_t>(at) * a.strides(static_cast<int>(d - lead));
      }
    }
  }
  return offsets;
}

class Matmul : public mx::UnaryPrimitive {
 public:
  explicit Matmul(mx::Stream stream) : UnaryPrimitive(stream) {}

  const char* name() const override { return "CpuMatmul"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }

  // Inputs: a, b and perhaps a row that is added to every row of the result.
  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const bool is_flat = inputs[1].ndim() == 2;
    const bool keeps_rows = !is_flat && inputs[0].strides(-1) == 1 && inputs[0].strides(-2) >= inputs[0].shape(-1);
    const mx::array a = keeps_rows ? inputs[0] : row_contiguous(inputs[0], encoder);
    const mx::array b = is_readable(inputs[1]) ? inputs[1] : row_contiguous(inputs[1], encoder);
    out.set_data(mx::allocator::malloc(out.nbytes()));
    const DenseMatrix w = matrix_of(b);
    const size_t N = static_cast<size_t>(b.shape(-1)), K = w.K;
    const float* row = nullptr;
    if (inputs.size() > 2) row = row_contiguous(inputs[2], encoder).data<float>();
    if (is_flat) {
      encoder.dispatch([w, N, row, rows = Rows{a.data<float>(), a.size() / K, K}, to = out.data<float>()] {
        dense_product(w, N, rows, to);
        if (row) add_rows(row, true, to, rows.M, N);
      });
      return;
    }
    const mx::Shape batch(out.shape().begin(), out.shape().end() - 2);
    const Rows rows{a.data<float>(), static_cast<size_t>(a.shape(-2)), static_cast<size_t>(a.strides(-2))};
    encoder.dispatch([w, N, rows, item = b.itemsize(), from_a = batch_offsets(a, batch), from_b = batch_offsets(b, batch),
                      to = out.data<float>()] {
      for (size_t i = 0; i < from_a.size(); i++) {
        DenseMatrix one = w;
        one.w = static_cast<const char*>(w.w) + from_b[i] * static_cast<int64_t>(item);
        dense_product(one, N, {rows.x + from_a[i], rows.M, rows.stride}, to + i * rows.M * N);
      }
    });
  }

  void eval_gpu(const std::vector<mx::array>&, mx::array&) override {
    throw std::runtime_error("CpuMatmul runs on the CPU only");
  }
};

// Vectors, empty arrays and other types go to libmlx; so does what does not fit, for its message.
bool is_ours(const mx::array& a, const mx::array& b) {
  return use_native() && a.dtype() == mx::float32 && float_type(b.dtype()) && a.ndim() >= 2 && b.ndim() >= 2 &&
         a.shape(-1) == b.shape(-2) && a.size() > 0 && b.size() > 0;
}

mx::array product(const mx::array& a, const mx::array& b, const std::optional<mx::array>& row) {
  mx::Shape shape = a.shape();
  if (b.ndim() == 2) {
    shape.back() = b.shape(-1);
  } else {
    shape = mx::broadcast_shapes(mx::Shape(a.shape().begin(), a.shape().end() - 2),
                                 mx::Shape(b.shape().begin(), b.shape().end() - 2));
    shape.push_back(a.shape(-2));
    shape.push_back(b.shape(-1));
  }
  std::vector<mx::array> inputs{a, b};
  if (row) inputs.push_back(*row);
  const mx::Stream stream = mx::default_stream(mx::Device::cpu);
  return mx::array(std::move(shape), mx::float32, std::make_shared<Matmul>(stream), std::move(inputs));
}

}  // namespace

mx::array matmul(const mx::array& a, const mx::array& b) {
  return is_ours(a, b) ? product(a, b, std::nullopt) : mx::matmul(a, b);
}

mx::array addmm(const mx::array& c, const mx::array& a, const mx::array& b, double alpha, double beta) {
  if (!is_ours(a, b) || alpha != 1 || beta != 1) {
    return mx::addmm(c, a, b, static_cast<float>(alpha), static_cast<float>(beta));
  }
  const bool is_row = c.ndim() == 1 && c.dtype() == mx::float32 && c.shape(0) == b.shape(-1) && b.ndim() == 2;
  return is_row ? product(a, b, c) : mx::add(product(a, b, std::nullopt), c);
}

}  // namespace abstractllm::cpu
