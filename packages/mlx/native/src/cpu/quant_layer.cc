#include "quant_layer.h"

#include "contiguous.h"
#include "float_type.h"
#include "packed_weights.h"
#include "quant_mode.h"

namespace abstractllm::cpu {

QuantFormat take_matrix(const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group,
                        std::vector<mx::array>& inputs) {
  const std::optional<mx::array> packed = packed_bytes(w, scales, biases);
  if (packed) inputs.push_back(*packed);
  else inputs.insert(inputs.end(), {w, scales, biases});
  return {bits, group, w.shape(-2), scales.shape(-1) * group, *float_type(scales.dtype()), packed.has_value()};
}

QuantFormat take_float_matrix(const mx::array& w, const mx::array& scales, Coding coding, std::vector<mx::array>& inputs) {
  inputs.insert(inputs.end(), {w, scales});
  const auto [bits, group] = float_format(coding);
  return {bits, group, w.shape(-2), scales.shape(-1) * group, Float::f32, false, coding};
}

QuantProduct quant_operand(const std::vector<mx::array>& inputs, size_t first, const QuantFormat& f,
                           mx::cpu::CommandEncoder& encoder) {
  const size_t group = static_cast<size_t>(f.group), K = static_cast<size_t>(f.K), N = static_cast<size_t>(f.N);
  const mx::array w = row_contiguous(inputs[first], encoder);
  if (f.is_packed) return {{w.data<uint8_t>(), nullptr, nullptr, f.scale_type, f.bits, group, K, true}, N, nullptr};
  const mx::array scales = row_contiguous(inputs[first + 1], encoder);
  if (f.coding != Coding::affine) {
    const void* bytes = scales.data<void>();
    return {{w.data<uint8_t>(), bytes, bytes, f.scale_type, f.bits, group, K, false, f.coding}, N, nullptr};
  }
  const mx::array biases = row_contiguous(inputs[first + 2], encoder);
  return {{w.data<uint8_t>(), scales.data<void>(), biases.data<void>(), f.scale_type, f.bits, group, K}, N, nullptr};
}

const float* QuantLayer::addend_of(const std::vector<mx::array>& inputs, mx::cpu::CommandEncoder& encoder) const {
  return addend_ == Addend::none ? nullptr : row_contiguous(inputs.back(), encoder).data<float>();
}

}  // namespace abstractllm::cpu
