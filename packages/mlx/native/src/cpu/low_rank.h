// What an adapter adds to products with a matrix.
#pragma once

#include <span>

#include "matmul_kernels.h"

namespace abstractllm::cpu {

// Beside a matrix [N, K]: x . w becomes (x . w + x down up) * gains.
struct LowRank {
  const void* down;    // [rank, K]
  const void* up;      // [rank, N]
  bool has_halves;     // float16 in both, not float32
  const float* gains;  // [N]; null where all are 1
  size_t rank, K, N;
};

struct LowRankProduct {
  LowRank factors;
  float* out;  // [M, N], where the product with the matrix is
  float* low;  // [M, rank], where the rows times `down` go
};

// To products of the same rows.
void add_low_rank(std::span<const LowRankProduct> products, const Rows& x);

}  // namespace abstractllm::cpu
