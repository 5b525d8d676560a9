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

const void* factor_at(const void* factors, bool has_halves, size_t i) {
  return static_cast<const char*>(factors) + i * (has_halves ? 2 : sizeof(float));
}

}  // namespace

void add_low_rank(std::span<const LowRankProduct> products, const Rows& x) {
  if (products.empty()) return;
  const size_t M = x.M, K = products[0].factors.K;
  const auto dot = PICK_KERNEL(dot_rows);
  const auto project = [&](const LowRankProduct& p, size_t begin, size_t end) {
    const LowRank& f = p.factors;
    const void* down = factor_at(f.down, f.has_halves, begin * K);
    for (size_t m = 0; m < M; m++) {
      dot(x.x + m * x.stride, down, f.has_halves, end - begin, K, p.low + m * f.rank + begin);
    }
  };
  for_each_unit(products, row_grain(K), [](const LowRankProduct& p) { return p.factors.rank; }, project);

  size_t most = 0;
  for (const LowRankProduct& p : products) most = std::max(most, p.factors.rank);
  const auto add = PICK_KERNEL(add_rank_row);
  const auto expand = [&](const LowRankProduct& p, size_t begin, size_t end) {
    const LowRank& f = p.factors;
    const size_t first = begin * kColumns, count = std::min(end * kColumns, f.N) - first;
    const void* up = factor_at(f.up, f.has_halves, first);
    const float* gains = f.gains ? f.gains + first : nullptr;
    for (size_t m = 0; m < M; m++) {
      add(p.low + m * f.rank, f.rank, up, f.has_halves, f.N, gains, p.out + m * f.N + first, count);
    }
  };
  const auto blocks = [](const LowRankProduct& p) { return (p.factors.N + kColumns - 1) / kColumns; };
  for_each_unit(products, column_grain(most), blocks, expand);
}

}  // namespace abstractllm::cpu
