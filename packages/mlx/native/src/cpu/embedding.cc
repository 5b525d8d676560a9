#include "embedding.h"

#include <algorithm>

#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Values per row whose unpacking takes about 10 us.
constexpr size_t kValuesPerRange = 8192;

struct Matrix {
  const uint8_t* w;  // rows of little-endian streams of `bits`-bit numbers
  const void* scales;
  const void* biases;
  size_t rows, columns, group;
  unsigned bits;
};

// In the arithmetic of T, as libmlx: the product is rounded before the sum.
template <typename T>
void unpack_row(const Matrix& m, size_t row, T* out) {
  const size_t groups = m.columns / m.group;
  const uint8_t* bytes = m.w + row * (m.columns * m.bits / 8);
  const T* scales = static_cast<const T*>(m.scales) + row * groups;
  const T* biases = static_cast<const T*>(m.biases) + row * groups;
  const uint32_t mask = (1u << m.bits) - 1;
  uint32_t stream = 0;
  unsigned have = 0;
  for (size_t g = 0; g < groups; g++) {
    for (size_t i = 0; i < m.group; i++) {
      if (have < m.bits) {
        stream |= static_cast<uint32_t>(*bytes++) << have;
        have += 8;
      }
      const T product = static_cast<T>(scales[g] * static_cast<T>(stream & mask));
      *out++ = static_cast<T>(product + biases[g]);
      stream >>= m.bits;
      have -= m.bits;
    }
  }
}

// Inputs: ids (int32 or uint32), w, scales, biases.
class QuantizedEmbedding : public CpuPrimitive {
 public:
  QuantizedEmbedding(int group, int bits) : group_(group), bits_(bits) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    if (out.size() == 0) return;
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const auto dense = [&](int i) { return row_contiguous(inputs[i], encoder); };
    const mx::array ids = dense(0), w = dense(1), scales = dense(2), biases = dense(3);
    const Matrix m{w.data<uint8_t>(),
                   scales.data<void>(),
                   biases.data<void>(),
                   static_cast<size_t>(w.shape(0)),
                   static_cast<size_t>(out.shape(-1)),
                   static_cast<size_t>(group_),
                   static_cast<unsigned>(bits_)};
    if (out.dtype() == mx::float16) run(m, ids, out.data<mx::float16_t>());
    else if (out.dtype() == mx::bfloat16) run(m, ids, out.data<mx::bfloat16_t>());
    else run(m, ids, out.data<float>());
  }

  const char* name() const override { return "CpuQuantizedEmbedding"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const QuantizedEmbedding&>(other);
    return group_ == o.group_ && bits_ == o.bits_;
  }

 private:
  template <typename T>
  void run(const Matrix& m, const mx::array& ids, T* out) {
    enqueue([m, index = ids.data<int32_t>(), count = ids.size(), out] {
      const size_t grain = std::max<size_t>(1, kValuesPerRange / m.columns);
      parallel_for(count, grain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
          const int64_t rows = static_cast<int64_t>(m.rows);
          const int64_t id = index[i] < 0 ? index[i] + rows : index[i];
          // an id outside the vocabulary must not read outside the matrix
          unpack_row(m, static_cast<size_t>(std::clamp<int64_t>(id, 0, rows - 1)), out + i * m.columns);
        }
      });
    });
  }

  int group_, bits_;
};

bool is_native(const mx::array& ids, const mx::array& w, const mx::array& scales, const std::optional<mx::array>& biases,
               int group, int bits) {
  const bool is_supported = bits >= 2 && bits <= 8 && bits != 7 && group > 0;
  if (!use_native() || !biases || !is_supported || ids.is_tracer() || w.is_tracer()) return false;
  if (ids.dtype() != mx::int32 && ids.dtype() != mx::uint32) return false;
  const mx::Dtype type = scales.dtype();
  if ((type != mx::float32 && type != mx::float16 && type != mx::bfloat16) || biases->dtype() != type) return false;
  if (w.dtype() != mx::uint32 || w.ndim() != 2 || w.shape(0) == 0 || scales.ndim() != 2) return false;
  const int64_t columns = static_cast<int64_t>(w.shape(1)) * 32 / bits;
  if (columns * bits != static_cast<int64_t>(w.shape(1)) * 32) return false;
  return scales.shape() == biases->shape() && scales.shape(0) == w.shape(0) && columns % group == 0 &&
         scales.shape(1) == columns / group;
}

}  // namespace

mx::array quantized_embedding(const mx::array& ids, const mx::array& w, const mx::array& scales,
                              const std::optional<mx::array>& biases, std::optional<int> group_size,
                              std::optional<int> bits, const std::string& mode) {
  const int group = group_size.value_or(64), width = bits.value_or(4);
  if (mode == "affine" && is_native(ids, w, scales, biases, group, width)) {
    mx::Shape shape = ids.shape();
    shape.push_back(static_cast<int>(static_cast<int64_t>(w.shape(1)) * 32 / width));
    return mx::array(std::move(shape), scales.dtype(), std::make_shared<QuantizedEmbedding>(group, width),
                     {ids, w, scales, *biases});
  }
  std::optional<mx::array> offsets;
  if (biases) offsets = mx::take(*biases, ids, 0);
  return mx::dequantize(mx::take(w, ids, 0), mx::take(scales, ids, 0), offsets, group_size, bits, mode);
}

}  // namespace abstractllm::cpu
