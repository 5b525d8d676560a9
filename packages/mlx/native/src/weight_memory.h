// Memory for weights that the CPU reads from end to end for each token.
#pragma once

#include <cstddef>
#include <vector>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm {

// A matrix of affine weights that may change its order in memory.
struct AffineWeights {
  mx::array *w, *scales, *biases;
  int bits, group;
};

// Moves computed arrays, in their order, into huge pages (huge_pages.h). Matrices are packed on the way where products want them so (packed_weights.h). Old memory is given back
// before the next arrays move. Does nothing where the system has no huge pages to ask for.
void move_to_huge_pages(const std::vector<AffineWeights>& matrices, const std::vector<mx::array*>& arrays);

}  // namespace abstractllm
