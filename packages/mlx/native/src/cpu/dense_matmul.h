// Dense matrix products on the CPU, with libmlx's signatures.
#pragma once

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// [..., M, K] x [..., K, N] -> [..., M, N]. Computed here when `a` is f32 and `b` is f32, f16 or bf16: half-precision
// weights are widened as they are used. libmlx's operation otherwise.
mx::array matmul(const mx::array& a, const mx::array& b);

// beta * c + alpha * (a @ b).
mx::array addmm(const mx::array& c, const mx::array& a, const mx::array& b, double alpha, double beta);

}  // namespace abstractllm::cpu
