// Row-major copies of strided arrays, inside a primitive's eval_cpu: libmlx does not export its own.
#pragma once

#include "mlx/array.h"
#include "mlx/backend/cpu/encoder.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// `a` itself when its elements lie in row-major order without gaps; else a copy that `encoder` fills before the tasks
// that follow.
mx::array row_contiguous(const mx::array& a, mx::cpu::CommandEncoder& encoder);

}  // namespace abstractllm::cpu
