// Evaluating a large graph piece by piece.
#pragma once

#include <vector>

#include "env.h"

namespace abstractllm {

// Evaluates arrays and waits for them. On the CPU libmlx makes room for the results of about a hundred operations before
// the first one has run; here no more than a few hundred megabytes of intermediate results are in the making at once.
void eval_in_pieces(std::vector<mx::array> outputs);

}  // namespace abstractllm
