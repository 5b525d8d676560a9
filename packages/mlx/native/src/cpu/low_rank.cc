#include "low_rank.h"

#include <algorithm>

#include "low_rank_rows.h"
#include "unit_loop.h"

namespace abstractllm::cpu {

namespace {

// Products of one number with another that one thread finishes in a microsecond.
constexpr size_t kProductsPerRange = 4096;
// A cache line.
constexpr size_t kColumns = 16;

size_t grain_of(size_t products_of_unit) { return std::max<size_t>(1, kProductsPerRange / products_of_unit); }

}  // namespace

void add_low_rank(std::span<const LowRankProduct> products, const Rows& x) {
  if (products.empty()) return;
  const size_t M = x.M, K = products[0].factors.K;
  const auto dot = PICK_KERNEL(dot_rows);
  for_each_unit(
      products, grain_of(M * K), [](const LowRankProduct& p) { return p.factors.rank; },
      [&](const LowRankProduct& p, size_t begin, size_t end) {
        const LowRank& f = p.factors;
        for (size_t r = begin; r < end; r++) dot(x.x, x.stride, M, f.down + r * K, K, p.low + r, f.rank);
      });
  size_t most = 0;
  for (const LowRankProduct& p : products) most = std::max(most, p.factors.rank);
  const auto add = PICK_KERNEL(add_rank_row);
  for_each_unit(
      products, grain_of(M * most * kColumns), [](const LowRankProduct& p) { return (p.factors.N + kColumns - 1) / kColumns; },
      [&](const LowRankProduct& p, size_t begin, size_t end) {
        const LowRank& f = p.factors;
        const size_t first = begin * kColumns, count = std::min(end * kColumns, f.N) - first;
        const float* gains = f.gains ? f.gains + first : nullptr;
        for (size_t m = 0; m < M; m++) {
          add(p.low + m * f.rank, f.rank, f.up + first, f.N, gains, p.out + m * f.N + first, count);
        }
      });
}

}  // namespace abstractllm::cpu
