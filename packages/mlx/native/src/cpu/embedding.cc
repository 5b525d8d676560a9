#include "embedding.h"

#include <algorithm>

#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"
#include "float_type.h"
#include "matrix_row.h"
#include "quant_layer.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Values per row whose unpacking takes about 10 us.
constexpr size_t kValuesPerRange = 8192;

// Inputs: ids (int32 or uint32), then the matrix: packed, or w, scales and biases.
class QuantizedEmbedding : public CpuPrimitive {
 public:
  explicit QuantizedEmbedding(QuantFormat format) : format_(format) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    if (out.size() == 0) return;
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array ids = row_contiguous(inputs[0], encoder);
    const QuantMatrix m = quant_operand(inputs, 1, format_, encoder).w;
    if (out.dtype() == mx::float16) run<mx::float16_t>(m, ids, out.data<mx::float16_t>());
    else if (out.dtype() == mx::bfloat16) run<mx::bfloat16_t>(m, ids, out.data<mx::bfloat16_t>());
    else if (m.scale_type == Float::f16) run<mx::float16_t>(m, ids, out.data<float>());
    else if (m.scale_type == Float::bf16) run<mx::bfloat16_t>(m, ids, out.data<float>());
    else run<float>(m, ids, out.data<float>());
  }

  const char* name() const override { return "CpuQuantizedEmbedding"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return format_ == static_cast<const QuantizedEmbedding&>(other).format_;
  }

 private:
  template <typename S, typename T>
  void run(const QuantMatrix& m, const mx::array& ids, T* out) {
    enqueue([m, index = ids.data<int32_t>(), count = ids.size(), rows = int64_t{format_.N}, out] {
      const size_t grain = std::max<size_t>(1, kValuesPerRange / m.K);
      parallel_for(count, grain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
          const int64_t id = index[i] < 0 ? index[i] + rows : index[i];
          // an id outside the vocabulary must not read outside the matrix
          dequantize_matrix_row<S>(m, static_cast<size_t>(std::clamp<int64_t>(id, 0, rows - 1)), out + i * m.K);
        }
      });
    });
  }

  QuantFormat format_;
};

bool is_native(const mx::array& ids, const mx::array& w, const mx::array& scales, const std::optional<mx::array>& biases,
               int group, int bits, mx::Dtype dtype) {
  const bool is_supported = bits >= 2 && bits <= 8 && bits != 7 && group > 0;
  if (!use_native() || !biases || !is_supported || ids.is_tracer() || w.is_tracer()) return false;
  if (ids.dtype() != mx::int32 && ids.dtype() != mx::uint32) return false;
  const mx::Dtype type = scales.dtype();
  if (!float_type(type) || biases->dtype() != type || (dtype != type && dtype != mx::float32)) return false;
  if (w.dtype() != mx::uint32 || w.ndim() != 2 || w.shape(0) == 0 || scales.ndim() != 2) return false;
  const int64_t columns = static_cast<int64_t>(w.shape(1)) * 32 / bits;
  if (columns * bits != static_cast<int64_t>(w.shape(1)) * 32) return false;
  return scales.shape() == biases->shape() && scales.shape(0) == w.shape(0) && columns % group == 0 &&
         scales.shape(1) == columns / group;
}

}  // namespace

mx::array quantized_embedding(const mx::array& ids, const mx::array& w, const mx::array& scales,
                              const std::optional<mx::array>& biases, std::optional<int> group_size,
                              std::optional<int> bits, const std::string& mode, std::optional<mx::Dtype> dtype) {
  const int group = group_size.value_or(64), width = bits.value_or(4);
  const bool is_affine = mode == "affine";
  if (is_affine && is_native(ids, w, scales, biases, group, width, dtype.value_or(scales.dtype()))) {
    std::vector<mx::array> inputs{ids};
    const QuantFormat format = take_matrix(w, scales, *biases, width, group, inputs);
    mx::Shape shape = ids.shape();
    shape.push_back(format.K);
    return mx::array(std::move(shape), dtype.value_or(scales.dtype()), std::make_shared<QuantizedEmbedding>(format),
                     std::move(inputs));
  }
  auto factors = [&](const mx::array& a) {
    const mx::array rows = mx::take(a, ids, 0);
    return is_affine && dtype ? mx::astype(rows, *dtype) : rows;
  };
  std::optional<mx::array> offsets;
  if (biases) offsets = factors(*biases);
  const mx::array rows = mx::dequantize(mx::take(w, ids, 0), factors(scales), offsets, group_size, bits, mode);
  return dtype ? mx::astype(rows, *dtype) : rows;
}

}  // namespace abstractllm::cpu
