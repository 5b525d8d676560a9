// One loop over the parts of several things.
#pragma once

#include <algorithm>
#include <span>

#include "thread_pool.h"

namespace abstractllm::cpu {

// Runs `body(product, begin, end)` over ranges of each product's `units(product)`, all in one loop.
template <typename Product, typename Units, typename Body>
void for_each_unit(std::span<const Product> products, size_t grain, Units&& units, Body&& body) {
  size_t total = 0;
  for (const Product& p : products) total += units(p);
  parallel_for(total, grain, [&](size_t begin, size_t end) {
    size_t first = 0;
    for (const Product& p : products) {
      const size_t from = std::max(begin, first), to = std::min(end, first + units(p));
      if (from < to) body(p, from - first, to - first);
      first += units(p);
    }
  });
}

}  // namespace abstractllm::cpu
