#include "quant_matmul.h"

#include "contiguous.h"
#include "dispatch.h"
#include "float_type.h"
#include "matmul.h"
#include "mlx/allocator.h"
#include "mlx/ops.h"
#include "mlx/primitives.h"

namespace abstractllm::cpu {

namespace {

class QuantizedMatmul : public mx::UnaryPrimitive {
 public:
  QuantizedMatmul(mx::Stream stream, int bits, int group, bool fast)
      : UnaryPrimitive(stream), bits_(bits), group_(group), fast_(fast) {}

  const char* name() const override { return "CpuQuantizedMatmul"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const QuantizedMatmul&>(other);
    return bits_ == o.bits_ && group_ == o.group_ && fast_ == o.fast_;
  }

  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    mx::Shape shape = inputs[0].shape();
    shape.back() = inputs[1].shape(0);
    return {shape};
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder), w = row_contiguous(inputs[1], encoder);
    const mx::array scales = row_contiguous(inputs[2], encoder), biases = row_contiguous(inputs[3], encoder);
    out.set_data(mx::allocator::malloc(out.nbytes()));
    const size_t K = static_cast<size_t>(x.shape(-1)), N = static_cast<size_t>(w.shape(0));
    const QuantMatrix matrix{w.data<uint8_t>(),     scales.data<void>(), biases.data<void>(), *float_type(scales.dtype()),
                             bits_, static_cast<size_t>(group_), K};
    const Rows rows{x.data<float>(), x.size() / K, K};
    encoder.dispatch([matrix, N, rows, to = out.data<float>(), fast = fast_] {
      quant_product(matrix, N, rows, to, fast);
    });
  }

  void eval_gpu(const std::vector<mx::array>&, mx::array&) override {
    throw std::runtime_error("CpuQuantizedMatmul runs on the CPU only");
  }

 private:
  int bits_;
  int group_;
  bool fast_;
};

// MLX's own defaults and limits of affine quantization.
bool is_supported(int bits, int group) {
  const bool has_bits = bits == 2 || bits == 3 || bits == 4 || bits == 5 || bits == 6 || bits == 8;
  return has_bits && (group == 32 || group == 64 || group == 128);
}

// Whether the shapes are those of the format; libmlx says what is wrong with the others.
bool fits(const mx::array& x, const mx::array& w, const mx::array& scales, const mx::array& biases, int bits,
          int group) {
  if (x.ndim() < 1 || w.ndim() != 2 || scales.ndim() != 2 || w.dtype() != mx::uint32) return false;
  const int64_t K = x.shape(-1);
  return K > 0 && K % group == 0 && int64_t{w.shape(1)} * 32 == K * bits && scales.shape(0) == w.shape(0) &&
         scales.shape(1) == K / group && biases.shape() == scales.shape();
}

}  // namespace

mx::array quantized_matmul(const mx::array& x, const mx::array& w, const mx::array& scales,
                           const std::optional<mx::array>& biases, bool transpose, std::optional<int> group_size,
                           std::optional<int> bits, const std::string& mode) {
  const int b = bits.value_or(4), g = group_size.value_or(64);
  const bool is_ours = use_native() && transpose && mode == "affine" && biases && x.dtype() == mx::float32 &&
                       float_type(scales.dtype()) && biases->dtype() == scales.dtype() && is_supported(b, g) &&
                       fits(x, w, scales, *biases, b, g);
  if (!is_ours) return mx::quantized_matmul(x, w, scales, biases, transpose, group_size, bits, mode);
  mx::Shape shape = x.shape();
  shape.back() = w.shape(0);
  const mx::Stream stream = mx::default_stream(mx::Device::cpu);
  return mx::array(std::move(shape), mx::float32,
                   std::make_shared<QuantizedMatmul>(stream, b, g, settings().fast_matmul), {x, w, scales, *biases});
}

}  // namespace abstractllm::cpu
