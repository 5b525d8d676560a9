// Queries, keys and values of attention as one operation.
#pragma once

#include <optional>
#include <vector>

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// The affine matrices of queries, keys and values, and how many heads each result has.
struct HeadMatrices {
  std::vector<mx::array> arrays;  // weights, scales and biases, three times
  std::vector<int> bits, groups;  // three each
  std::vector<mx::array> rows;    // added to the products: three, or none
  int query_heads, key_heads;
};

// Rotary embedding of queries and keys (rope.h).
struct HeadRotation {
  int dims;
  bool traditional;
  std::optional<float> base;
  float scale;
  int offset;
  std::optional<mx::array> freqs;
};

// x [B, L, E] to queries [B, H, L, D] and keys [B, K, L, D] at their positions, and values [B, K, L, D]. Composed of
// products and rotations where the native kernels do not apply.
std::vector<mx::array> rotated_heads(const mx::array& x, const HeadMatrices& matrices, const HeadRotation& rotation);

}  // namespace abstractllm::cpu
