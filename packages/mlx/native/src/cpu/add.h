// Sums, with libmlx's signature.
#pragma once

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// Where one side is a quantized product that nobody computed yet, the product adds the other side itself.
mx::array add(const mx::array& a, const mx::array& b);

}  // namespace abstractllm::cpu
