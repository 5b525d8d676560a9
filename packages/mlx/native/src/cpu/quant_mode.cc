#include "quant_mode.h"

#include <algorithm>

namespace abstractllm::cpu {

std::optional<Coding> coding_from_mode(const std::string& mode) {
  if (mode == "affine") return Coding::affine;
  if (mode == "mxfp4") return Coding::mxfp4;
  if (mode == "nvfp4") return Coding::nvfp4;
  if (mode == "mxfp8") return Coding::mxfp8;
  return std::nullopt;
}

FloatFormat float_format(Coding coding) {
  if (coding == Coding::mxfp8) return {8, 32};
  return {4, coding == Coding::nvfp4 ? 16 : 32};
}

bool is_native_float_matrix(int K, const mx::array& w, const mx::array& scales, Coding coding, std::optional<int> bits,
                            std::optional<int> group) {
  const FloatFormat format = float_format(coding);
  if (bits.value_or(format.bits) != format.bits || group.value_or(format.group) != format.group) return false;
  if (w.ndim() < 2 || scales.ndim() != w.ndim() || w.dtype() != mx::uint32 || scales.dtype() != mx::uint8) return false;
  const bool are_of_one_shape = std::equal(w.shape().begin(), w.shape().end() - 1, scales.shape().begin());
  return are_of_one_shape && K > 0 && K % format.group == 0 && int64_t{w.shape(-1)} * 32 == int64_t{K} * format.bits &&
         scales.shape(-1) == K / format.group;
}

}  // namespace abstractllm::cpu
