// Normalisation over the last axis: libmlx's signatures, native kernels where they apply.
#pragma once

#include <optional>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

mx::array rms_norm(const mx::array& x, const std::optional<mx::array>& weight, float eps);

mx::array layer_norm(const mx::array& x, const std::optional<mx::array>& weight, const std::optional<mx::array>& bias,
                     float eps);

// An rms norm of float32 rows that is not computed yet.
struct PendingNorm {
  mx::array x;
  mx::array weight;  // float32
  float eps;
};

// What `normed` will be computed from; nothing when it is no such norm, or computed already.
std::optional<PendingNorm> pending_rms_norm(const mx::array& normed);

}  // namespace abstractllm::cpu
