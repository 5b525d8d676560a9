// Products with the thin matrices of adapters.
#pragma once

#include <cstddef>

#include "kernel_set.h"

namespace abstractllm::cpu {

// out[m * ldo] = x[m] . w for M rows of n numbers, each row summed in an order that does not depend on M.
KERNEL(void, dot_rows, (const float* x, size_t stride, size_t M, const float* w, size_t n, float* out, size_t ldo))

// out[i] = (out[i] + the sum of low[r] * up[r * stride + i]) * gains[i], for i < n. `gains` may be null.
KERNEL(void, add_rank_row,
       (const float* low, size_t rank, const float* up, size_t stride, const float* gains, float* out, size_t n))

}  // namespace abstractllm::cpu
