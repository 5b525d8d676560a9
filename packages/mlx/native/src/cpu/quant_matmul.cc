#include "quant_matmul.h"

#include <array>

#include "activation.h"
#include "dispatch.h"
#include "float_type.h"
#include "mlx/ops.h"
#include "quant_layer.h"
#include "quant_mode.h"
#include "stack_matmul.h"

namespace abstractllm::cpu {

namespace {

class QuantizedMatmul : public QuantLayer {
 public:
  QuantizedMatmul(NormedInput input, QuantFormat format, Rounding rounding, Addend addend = Addend::none)
      : QuantLayer(input, addend, rounding), format_(format) {}

  const char* name() const override { return "CpuQuantizedMatmul"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const QuantizedMatmul&>(other);
    return is_same_layer(o) && format_ == o.format_;
  }

  std::shared_ptr<QuantLayer> adding(Addend addend) const override {
    return std::make_shared<QuantizedMatmul>(input_, format_, rounding_, addend);
  }

  const QuantFormat& format() const { return format_; }
  Rounding rounding() const { return rounding_; }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const PendingRows rows(input_, inputs, encoder);
    QuantProduct product = quant_operand(inputs, input_.count(), format_, encoder);
    const float* addend = addend_of(inputs, encoder);
    allocate(out);
    product.out = out.data<float>();
    const float* row = addend_ == Addend::row ? addend : nullptr;
    if (!row) product.addend = addend;
    encoder.dispatch([rows, product, row, rounding = rounding_] {
      const Rows x = rows.rows();
      quant_products({&product, 1}, x, rounding, [&](size_t m) { rows.make(m); });
      if (row) add_rows(row, true, product.out, x.M, product.N);
    });
  }

 private:
  QuantFormat format_;
};

// down(activation(gate(x)) * up(x)) as one node. Inputs: rows, the matrices of gate, up and down, an addend.
class GatedMlp : public QuantLayer {
 public:
  GatedMlp(NormedInput input, std::array<QuantFormat, 3> formats, GatedActivation activation, Rounding rounding,
           Addend addend = Addend::none)
      : QuantLayer(input, addend, rounding), formats_(formats), activation_(activation) {}

  const char* name() const override { return "CpuGatedMlp"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const GatedMlp&>(other);
    return is_same_layer(o) && formats_ == o.formats_ && activation_ == o.activation_;
  }

  std::shared_ptr<QuantLayer> adding(Addend addend) const override {
    return std::make_shared<GatedMlp>(input_, formats_, activation_, rounding_, addend);
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const PendingRows rows(input_, inputs, encoder);
    const size_t at_gate = input_.count(), at_up = at_gate + formats_[0].count(), at_down = at_up + formats_[1].count();
    const QuantProduct gate = quant_operand(inputs, at_gate, formats_[0], encoder);
    const QuantProduct up = quant_operand(inputs, at_up, formats_[1], encoder);
    QuantProduct down = quant_operand(inputs, at_down, formats_[2], encoder);
    const float* addend = addend_of(inputs, encoder);
    allocate(out);
    down.out = out.data<float>();
    const float* row = addend_ == Addend::row ? addend : nullptr;
    if (!row) down.addend = addend;
    GatedProducts mlp{gate, up, down, activation_};
    const size_t together = gated_rows(mlp, out.size() / down.N), F = gate.N;
    mx::array hidden({2, static_cast<int>(together), static_cast<int>(F)}, mx::float32, nullptr, {});
    allocate(hidden);
    mlp.gate.out = hidden.data<float>();
    mlp.up.out = mlp.gate.out + together * F;
    encoder.dispatch([rows, hidden, mlp, row, rounding = rounding_] {
      const Rows x = rows.rows();
      gated_products(mlp, x, rounding, [&](size_t m) { rows.make(m); });
      if (row) add_rows(row, true, mlp.down.out, x.M, mlp.down.N);
    });
  }

 private:
  std::array<QuantFormat, 3> formats_;
  GatedActivation activation_;
};

// MLX's own defaults and limits of affine quantization.
bool is_supported(int bits, int group) {
  const bool has_bits = bits == 2 || bits == 3 || bits == 4 || bits == 5 || bits == 6 || bits == 8;
  return has_bits && (group == 32 || group == 64 || group == 128);
}

bool fits(int64_t K, const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group) {
  if (w.ndim() < 2 || scales.ndim() != w.ndim() || w.dtype() != mx::uint32) return false;
  const bool are_rows_same = std::equal(w.shape().begin(), w.shape().end() - 1, scales.shape().begin());
  return K > 0 && K % group == 0 && int64_t{w.shape(-1)} * 32 == K * bits && are_rows_same &&
         scales.shape(-1) == K / group && biases.shape() == scales.shape();
}

// The gated MLP that the product of `x` with `down` completes, when `x` is `activation(gate(h)) * up(h)` and none of it
// is computed yet.
std::optional<mx::array> gated_mlp(const mx::array& x, const mx::Shape& shape, const std::vector<mx::array>& down,
                                   const QuantFormat& format, Rounding rounding) {
  const std::optional<PendingGated> gated = pending_gated(x);
  if (!gated) return std::nullopt;
  const auto* gate = pending_primitive<QuantizedMatmul>(gated->gate);
  const auto* up = pending_primitive<QuantizedMatmul>(gated->x);
  if (!gate || !up || gate->addend() != Addend::none || up->addend() != Addend::none) return std::nullopt;
  const std::vector<mx::array>&from = gated->gate.inputs(), &other = gated->x.inputs();
  const size_t rows = gate->input().count();
  const bool is_one_input = gate->input() == up->input() && gate->rounding() == rounding && up->rounding() == rounding &&
                            std::equal(from.begin(), from.begin() + rows, other.begin(),
                                       [](const mx::array& a, const mx::array& b) { return a.id() == b.id(); });
  if (!is_one_input) return std::nullopt;
  std::vector<mx::array> inputs = from;
  inputs.insert(inputs.end(), other.begin() + rows, other.end());
  inputs.insert(inputs.end(), down.begin(), down.end());
  auto node = std::make_shared<GatedMlp>(gate->input(), std::array{gate->format(), up->format(), format}, gated->activation, rounding);
  return mx::array(shape, mx::float32, std::move(node), std::move(inputs));
}

}  // namespace

bool is_native_matrix(int K, const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group) {
  return float_type(scales.dtype()) && biases.dtype() == scales.dtype() && is_supported(bits, group) &&
         fits(K, w, scales, biases, bits, group);
}

std::optional<QuantFormat> take_native(int K, const mx::array& w, const mx::array& scales,
                                       const std::optional<mx::array>& biases, std::optional<int> group,
                                       std::optional<int> bits, const std::string& mode, std::vector<mx::array>& inputs) {
  const std::optional<Coding> coding = coding_from_mode(mode);
  if (coding == Coding::affine && biases) {
    const int b = bits.value_or(4), g = group.value_or(64);
    if (is_native_matrix(K, w, scales, *biases, b, g)) return take_matrix(w, scales, *biases, b, g, inputs);
  } else if (coding && coding != Coding::affine && !biases) {
    if (is_native_float_matrix(K, w, scales, *coding, bits, group)) return take_float_matrix(w, scales, *coding, inputs);
  }
  return std::nullopt;
}

void expect_same_axes(const mx::array& w, const mx::array& scales) {
  if (w.ndim() >= 2 && scales.ndim() == w.ndim()) return;
  throw std::invalid_argument("expected quantized matrices of 2 axes or more, and scales of as many, but received " +
                              std::to_string(w.ndim()) + " and " + std::to_string(scales.ndim()));
}

mx::array quantized_matmul(const mx::array& x, const mx::array& w, const mx::array& scales,
                           const std::optional<mx::array>& biases, bool transpose, std::optional<int> group_size,
                           std::optional<int> bits, const std::string& mode) {
  std::vector<mx::array> matrix;
  std::optional<QuantFormat> format;
  if (use_native() && transpose && x.dtype() == mx::float32 && x.ndim() > 0 && w.ndim() == 2) {
    format = take_native(x.shape(-1), w, scales, biases, group_size, bits, mode, matrix);
  }
  if (!format) {
    const auto stack = stack_matmul(x, w, scales, biases, transpose, group_size, bits, mode);
    if (stack) return *stack;
    expect_same_axes(w, scales);
    return mx::quantized_matmul(x, w, scales, biases, transpose, group_size, bits, mode);
  }
  mx::Shape shape = x.shape();
  shape.back() = w.shape(0);
  const Rounding rounding = settings().rounding;
  if (auto mlp = gated_mlp(x, shape, matrix, *format, rounding)) return *mlp;
  std::vector<mx::array> inputs;
  const NormedInput input = take_input(x, inputs);
  inputs.insert(inputs.end(), matrix.begin(), matrix.end());
  return mx::array(std::move(shape), mx::float32, std::make_shared<QuantizedMatmul>(input, *format, rounding),
                   std::move(inputs));
}

}  // namespace abstractllm::cpu
