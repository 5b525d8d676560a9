// Memory for weights that the CPU reads from end to end for each token.
#pragma once

#include <cstddef>
#include <vector>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm {

// Moves computed arrays, in their order, into huge pages: read in order from pages of 4 KiB, memory gives little more than
// half its rate. Each array's old memory is given back before the next one moves. Does nothing where the system has no
// huge pages to ask for.
void move_to_huge_pages(const std::vector<mx::array*>& arrays);

}  // namespace abstractllm
