// Products with a stack of quantized matrices, of which each head has its own.
#pragma once

#include <optional>
#include <string>

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// x [..., H or 1, L, K] times the transposed matrices of w [H, N, K], or x [..., H or 1, L, N] times those of w as they are ->
// [..., H, L, N or K]. Nothing where this is not computed here.
std::optional<mx::array> stack_matmul(const mx::array& x, const mx::array& w, const mx::array& scales,
                                      const std::optional<mx::array>& biases, bool transpose, std::optional<int> group_size,
                                      std::optional<int> bits, const std::string& mode);

}  // namespace abstractllm::cpu
