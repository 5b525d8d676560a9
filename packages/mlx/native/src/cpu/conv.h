// Convolutions: libmlx's signatures, native kernels for channels by themselves.
#pragma once

#include <vector>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

mx::array conv1d(const mx::array& input, const mx::array& weight, int stride, int padding, int dilation, int groups);

mx::array conv_general(const mx::array& input, const mx::array& weight, const std::vector<int>& stride,
                       const std::vector<int>& padding_low, const std::vector<int>& padding_high,
                       const std::vector<int>& dilation, const std::vector<int>& input_dilation, int groups, bool flip);

}  // namespace abstractllm::cpu
