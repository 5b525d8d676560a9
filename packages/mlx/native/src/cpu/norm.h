// Normalisation over the last axis: libmlx's signatures, native kernels where they apply.
#pragma once

#include <optional>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

mx::array rms_norm(const mx::array& x, const std::optional<mx::array>& weight, float eps);

mx::array layer_norm(const mx::array& x, const std::optional<mx::array>& weight, const std::optional<mx::array>& bias,
                     float eps);

}  // namespace abstractllm::cpu
