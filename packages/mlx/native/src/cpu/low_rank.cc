#include "low_rank.h"

#include <algorithm>

#include "low_rank_rows.h"
#include "unit_loop.h"

namespace abstractllm::cpu {

namespace {

// Numbers of factors that one thread reads in half a microsecond: decode steps wait for them, not for arithmetic.
constexpr size_t kNumbersPerRange = 2560;
// Columns of a cache line.
constexpr size_t kColumns = 16;

// Rows of `down` of one range: short ones are read four at a time.
size_t row_grain(size_t K) {
  constexpr size_t kTogether = 4, kShort = 2048;
  if (K > kShort) return 1;
  return std::max(kTogether, kNumbersPerRange / K / kTogether * kTogether);
}

// Blocks of columns of `up` of one range.
size_t column_grain(size_t rank) { return std::max<size_t>(1, kNumbersPerRange / (rank * kColumns)); }

}  // namespace

void add_low_rank(std::span<const LowRankProduct> products, const Rows& x) {
  if (products.empty()) return;
  const size_t M = x.M, K = products[0].factors.K;
  const auto dot = PICK_KERNEL(dot_rows);
  const auto project = [&](const LowRankProduct& p, size_t begin, size_t end) {
    const auto& [down, up, gains, rank, _, N] = p.factors;
    for (size_t m = 0; m < M; m++) dot(x.x + m * x.stride, down + begin * K, end - begin, K, p.low + m * rank + begin);
  };
  for_each_unit(products, row_grain(K), [](const LowRankProduct& p) { return p.factors.rank; }, project);

  size_t most = 0;
  for (const LowRankProduct& p : products) most = std::max(most, p.factors.rank);
  const auto add = PICK_KERNEL(add_rank_row);
  const auto expand = [&](const LowRankProduct& p, size_t begin, size_t end) {
    const auto& [down, up, gains, rank, _, N] = p.factors;
    const size_t first = begin * kColumns, count = std::min(end * kColumns, N) - first;
    for (size_t m = 0; m < M; m++) {
      add(p.low + m * rank, rank, up + first, N, gains ? gains + first : nullptr, p.out + m * N + first, count);
    }
  };
  const auto blocks = [](const LowRankProduct& p) { return (p.factors.N + kColumns - 1) / kColumns; };
  for_each_unit(products, column_grain(most), blocks, expand);
}

}  // namespace abstractllm::cpu
