#include "gather.h"

#include <algorithm>

#include "mlx/ops.h"
#include "mlx/utils.h"

namespace abstractllm::cpu {

namespace {

mx::Shape leading(const mx::array& a) { return mx::Shape(a.shape().begin(), a.shape().end() - 2); }

// Numbers of the matrices in the leading axes of `a`, for a side that has no indices but must broadcast with the other.
mx::array counted(const mx::array& a) {
  int count = 1;
  for (auto size : leading(a)) count *= size;
  return mx::reshape(mx::arange(0, count, mx::uint32), leading(a));
}

}  // namespace

void sort_by_matrix(std::vector<Pick>& picks) {
  std::stable_sort(picks.begin(), picks.end(), [](const Pick& a, const Pick& b) { return a.matrix < b.matrix; });
}

void Pairs::append_to(std::vector<mx::array>& inputs) const {
  if (lhs) inputs.push_back(*lhs);
  if (rhs) inputs.push_back(*rhs);
}

Pairs pair_matrices(const mx::array& x, const mx::array& w, const std::optional<mx::array>& lhs,
                    const std::optional<mx::array>& rhs) {
  const mx::Shape left = lhs ? lhs->shape() : leading(x), right = rhs ? rhs->shape() : leading(w);
  Pairs out{mx::broadcast_shapes(left, right), std::nullopt, std::nullopt, lhs.has_value()};
  auto fit = [&](const std::optional<mx::array>& given, const mx::array& matrices) -> std::optional<mx::array> {
    if (!given && leading(matrices) == out.shape) return std::nullopt;
    return mx::broadcast_to(mx::astype(given ? *given : counted(matrices), mx::uint32), out.shape);
  };
  out.lhs = fit(lhs, x);
  out.rhs = fit(rhs, w);
  return out;
}

}  // namespace abstractllm::cpu
