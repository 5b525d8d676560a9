// Runs row kernels over arrays, on several threads where the rows are worth it.
#pragma once

#include <algorithm>

#include "row_view.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

// Calls `body(i, row)` for every row of `rows`; rows whose elements lie apart are gathered first.
template <typename F>
void for_each_row(const RowView& rows, F&& body) {
  const size_t n = rows.length();
  if (n == 0) return;
  const size_t grain = std::max<size_t>(1, kElementsPerRange / n);
  parallel_for(rows.count(), grain, [&](size_t begin, size_t end) {
    float* scratch = rows.is_dense() ? nullptr : scratch_floats<RowView>(n);
    for (size_t i = begin; i < end; i++) body(i, rows.row(i, scratch));
  });
}

// The same over two arrays of one shape.
template <typename F>
void for_each_pair(const RowView& a, const RowView& b, F&& body) {
  const size_t n = a.length();
  if (n == 0) return;
  const size_t grain = std::max<size_t>(1, kElementsPerRange / n);
  parallel_for(a.count(), grain, [&](size_t begin, size_t end) {
    float* scratch = a.is_dense() && b.is_dense() ? nullptr : scratch_floats<RowView>(2 * n);
    for (size_t i = begin; i < end; i++) body(i, a.row(i, scratch), b.row(i, scratch ? scratch + n : nullptr));
  });
}

}  // namespace abstractllm::cpu
