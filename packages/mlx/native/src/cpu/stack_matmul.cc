#include "stack_matmul.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "contiguous.h"
#include "matmul.h"
#include "matrix_row.h"
#include "quant_layer.h"
#include "quant_matmul.h"
#include "quant_mode.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Values whose dequantization takes about 10 us.
constexpr size_t kValuesPerRange = 8192;

// What a stack is multiplied with. Of each of B entries there are L rows for every head, or the same for all.
struct StackRows {
  const float* x;
  size_t B, H, L, width;
  bool are_shared;

  size_t count() const { return B * (are_shared ? 1 : H) * L; }
  // The first row for a head.
  size_t first(size_t b, size_t h) const { return (are_shared ? b : b * H + h) * L; }
  size_t first_result(size_t b, size_t h) const { return (b * H + h) * L; }
};

void multiply_transposed(const QuantProduct& stack, const StackRows& rows, Rounding rounding, float* out) {
  std::vector<PartProduct> products;
  for (size_t b = 0; b < rows.B; b++) {
    for (size_t h = 0; h < rows.H; h++) {
      const QuantProduct head{matrix_in_stack(stack, h), stack.N, out + rows.first_result(b, h) * stack.N};
      products.push_back({head, rows.first(b, h), rows.L});
    }
  }
  quant_products(products, {rows.x, rows.count(), rows.width}, rounding, [](size_t) {});
}

template <typename S>
void dequantize(const QuantMatrix& m, size_t N, float* out) {
  parallel_for(N, std::max<size_t>(1, kValuesPerRange / m.K), [&](size_t begin, size_t end) {
    for (size_t n = begin; n < end; n++) dequantize_matrix_row<S>(m, n, out + n * m.K);
  });
}

// Groups of numbers lie across what is summed up, so that nothing stays an integer.
void multiply_as_it_is(const QuantProduct& stack, const StackRows& rows, float* out) {
  const size_t N = stack.N, K = stack.w.K;
  float* numbers = scratch_floats<StackRows>(N * K);
  for (size_t h = 0; h < rows.H; h++) {
    const QuantMatrix m = matrix_in_stack(stack, h);
    if (m.scale_type == Float::f16) dequantize<mx::float16_t>(m, N, numbers);
    else if (m.scale_type == Float::bf16) dequantize<mx::bfloat16_t>(m, N, numbers);
    else dequantize<float>(m, N, numbers);
    for (size_t b = 0; b < rows.B; b++) {
      const Rows x{rows.x + rows.first(b, h) * N, rows.L, N};
      dense_product({numbers, Float::f32, false, K, N}, K, x, out + rows.first_result(b, h) * K);
    }
  }
}

// Inputs: rows, then the matrices.
class StackMatmul : public CpuPrimitive {
 public:
  StackMatmul(QuantFormat format, bool transpose, Rounding rounding)
      : format_(format), transpose_(transpose), rounding_(rounding) {}

  const char* name() const override { return "CpuStackMatmul"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const StackMatmul&>(other);
    return format_ == o.format_ && transpose_ == o.transpose_ && rounding_ == o.rounding_;
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder);
    const QuantProduct stack = quant_operand(inputs, 1, format_, encoder);
    allocate(out);
    const size_t H = static_cast<size_t>(out.shape(-3)), L = static_cast<size_t>(out.shape(-2));
    const size_t B = out.size() / (H * L * static_cast<size_t>(out.shape(-1)));
    const StackRows rows{x.data<float>(), B, H, L, static_cast<size_t>(x.shape(-1)), x.shape(-3) == 1};
    encoder.dispatch([rows, stack, transpose = transpose_, rounding = rounding_, to = out.data<float>()] {
      if (transpose) multiply_transposed(stack, rows, rounding, to);
      else multiply_as_it_is(stack, rows, to);
    });
  }

 private:
  QuantFormat format_;
  bool transpose_;
  Rounding rounding_;
};

}  // namespace

std::optional<mx::array> stack_matmul(const mx::array& x, const mx::array& w, const mx::array& scales,
                                      const std::optional<mx::array>& biases, bool transpose, std::optional<int> group_size,
                                      std::optional<int> bits, const std::string& mode) {
  const bool is_plain = use_native() && is_plain_float32(x) && x.size() > 0 && x.ndim() >= 3 && w.ndim() == 3 && w.size() > 0 &&
                        scales.ndim() == 3 && coding_from_mode(mode) == Coding::affine;
  if (!is_plain || (x.shape(-3) != 1 && x.shape(-3) != w.shape(0))) return std::nullopt;
  const int K = transpose ? x.shape(-1) : scales.shape(-1) * group_size.value_or(64);
  if (!transpose && x.shape(-1) != w.shape(-2)) return std::nullopt;
  std::vector<mx::array> inputs{x};
  const auto format = take_native(K, w, scales, biases, group_size, bits, mode, inputs);
  if (!format) return std::nullopt;
  mx::Shape shape = x.shape();
  shape[shape.size() - 3] = w.shape(0), shape.back() = transpose ? w.shape(1) : K;
  return mx::array(std::move(shape), mx::float32, std::make_shared<StackMatmul>(*format, transpose, settings().rounding),
                   std::move(inputs));
}

}  // namespace abstractllm::cpu
