#include "quant_layer.h"

#include "contiguous.h"
#include "float_type.h"

namespace abstractllm::cpu {

QuantProduct quant_operand(const std::vector<mx::array>& inputs, size_t first, const QuantFormat& format,
                           mx::cpu::CommandEncoder& encoder) {
  const mx::array w = row_contiguous(inputs[first], encoder), scales = row_contiguous(inputs[first + 1], encoder);
  const mx::array biases = row_contiguous(inputs[first + 2], encoder);
  const size_t group = static_cast<size_t>(format.group), K = static_cast<size_t>(scales.shape(-1)) * group;
  const QuantMatrix matrix{w.data<uint8_t>(), scales.data<void>(), biases.data<void>(), *float_type(scales.dtype()),
                           format.bits,       group,               K};
  return {matrix, static_cast<size_t>(w.shape(0)), nullptr};
}

const float* QuantLayer::addend_of(const std::vector<mx::array>& inputs, mx::cpu::CommandEncoder& encoder) const {
  return addend_ == Addend::none ? nullptr : row_contiguous(inputs.back(), encoder).data<float>();
}

}  // namespace abstractllm::cpu
