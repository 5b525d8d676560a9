// Norms of vectors and matrices.
#pragma once

#include <optional>
#include <vector>

#include "mlx/array.h"

namespace abstractllm {

namespace mx = mlx::core;

// libmlx's. Singular values come from LAPACK, which ends the process over a number that is not finite: matrices that have
// one have the norm NaN.
mx::array norm(const mx::array& a, std::optional<double> ord, const std::optional<std::vector<int>>& axis, bool keepdims);

}  // namespace abstractllm
