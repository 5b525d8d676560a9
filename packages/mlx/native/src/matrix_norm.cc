#include "matrix_norm.h"

#include <cmath>
#include <limits>

#include "mlx/linalg.h"
#include "mlx/ops.h"

namespace abstractllm {

mx::array norm(const mx::array& a, std::optional<double> ord, const std::optional<std::vector<int>>& axis, bool keepdims) {
  if (!ord) return mx::linalg::norm(a, axis, keepdims);
  const bool is_matrix = axis ? axis->size() == 2 : a.ndim() == 2;
  if (!is_matrix || std::abs(*ord) != 2) return mx::linalg::norm(a, *ord, axis, keepdims);
  const std::vector<int> axes = axis.value_or(std::vector<int>{0, 1});
  const mx::array is_finite = mx::all(mx::isfinite(a), axes, true);
  const mx::array found = mx::linalg::norm(mx::where(is_finite, a, mx::zeros({}, a.dtype())), *ord, axis, keepdims);
  const mx::array is_known = keepdims ? is_finite : mx::squeeze(is_finite, axes);
  return mx::where(is_known, found, mx::array(std::numeric_limits<float>::quiet_NaN(), found.dtype()));
}

}  // namespace abstractllm
