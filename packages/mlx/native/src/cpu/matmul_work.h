// How products are cut into ranges for threads.
#pragma once

#include <algorithm>
#include <cstddef>

namespace abstractllm::cpu {

inline size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Rows that kernels take together.
constexpr size_t kRowsTogether = 16;

// Rows in each of the fewest blocks of nearly one size, at most `most` rows, a multiple of kRowsTogether.
inline size_t block_rows_of(size_t M, size_t most) {
  const size_t blocks = (M + most - 1) / most;
  return round_up((M + blocks - 1) / blocks, kRowsTogether);
}

// Weights that one row of x reads in about a microsecond on one thread: the least that is worth a range of its own.
constexpr size_t kRangeBytes = 16 * 1024;

// Weight rows of one range: fewer when each is used for more rows of x.
inline size_t rows_grain(size_t row_bytes, size_t M) {
  return std::max<size_t>(4, kRangeBytes / std::max<size_t>(1, row_bytes * M) & ~size_t{3});
}

// Rows of K numbers that one thread makes and splits in a microsecond: less is not worth another.
inline size_t numbers_grain(size_t K) { return (1024 + K - 1) / K; }

// Ranges of long products, so that threads end together.
constexpr size_t kTasksPerThread = 4;

}  // namespace abstractllm::cpu
