// Rotary position embedding: libmlx's signatures, a native kernel where it applies.
#pragma once

#include <optional>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

mx::array rope(const mx::array& x, int dims, bool traditional, std::optional<float> base, float scale, int offset,
               const std::optional<mx::array>& freqs);

mx::array rope(const mx::array& x, int dims, bool traditional, std::optional<float> base, float scale,
               const mx::array& offset, const std::optional<mx::array>& freqs);

}  // namespace abstractllm::cpu
