// Starting what the calling thread will wait for and then go on from, beside the kernels that come after it.
#pragma once

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// Starts computing `a`. Once that is done, loops of the CPU lend a core (thread_pool.h).
void async_eval_and_lend_core(const mx::array& a);

}  // namespace abstractllm::cpu
