// The kernels' name of an MLX floating-point type.
#pragma once

#include <optional>

#include "matmul_kernels.h"
#include "mlx/dtype.h"

namespace abstractllm::cpu {

inline std::optional<Float> float_type(mlx::core::Dtype d) {
  if (d == mlx::core::float32) return Float::f32;
  if (d == mlx::core::float16) return Float::f16;
  if (d == mlx::core::bfloat16) return Float::bf16;
  return std::nullopt;
}

}  // namespace abstractllm::cpu
