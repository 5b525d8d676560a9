// Softmax and argmax, compiled once per instruction set: the including file defines ISA.
#include "simd_vector.h"
#include "softmax_rows.h"

namespace abstractllm::cpu {

namespace {

float largest(const float* x, size_t n) {
  float best = x[0];
  size_t i = 0;
  if (n >= kLanes) {
    Floats most = load(x);
    for (i = kLanes; i + kLanes <= n; i += kLanes) most = larger(most, load(x + i));
    best = largest_lane(most);
  }
  for (; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

// Index of the first NaN, or n.
size_t first_nan(const float* x, size_t n) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Floats v = load(x + i);
    const Ints is_nan = v != v;
    bool any = false;
    for (int j = 0; j < kLanes; j++) any |= is_nan[j] != 0;
    if (any) break;
  }
  while (i < n && x[i] == x[i]) i++;
  return i;
}

}  // namespace

namespace ISA {

void softmax_row(const float* x, float* out, size_t n) {
  const float most = largest(x, n);
  const Floats shift = splat(most);
  Floats sums = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Floats e = exponential(load(x + i) - shift);
    store(out + i, e);
    sums += e;
  }
  float total = sum_lanes(sums);
  if (i < n) {
    const Floats e = exponential(load_first(x + i, n - i) - shift);
    store_first(out + i, e, n - i);
    for (size_t j = i; j < n; j++) total += out[j];
  }
  const float scale = 1 / total;
  for (i = 0; i + kLanes <= n; i += kLanes) store(out + i, load(out + i) * scale);
  for (; i < n; i++) out[i] *= scale;
}

uint32_t argmax_row(const float* x, size_t n) {
  // each lane keeps its largest value and where it first saw it
  size_t i = 0;
  float best = x[0];
  uint32_t at = 0;
  Ints bad = {};
  if (n >= kLanes) {
    Floats most = load(x);
    Ints where = {}, here = {};
    bad = most != most;
    for (i = kLanes; i + kLanes <= n; i += kLanes) {
      const Floats v = load(x + i);
      here += kLanes;
      const Ints is_more = v > most;
      most = is_more ? v : most;
      where = is_more ? here : where;
      bad |= v != v;
    }
    best = most[0];
    at = static_cast<uint32_t>(where[0]);
    for (int lane = 1; lane < kLanes; lane++) {
      const uint32_t index = static_cast<uint32_t>(where[lane] + lane);
      if (most[lane] > best || (most[lane] == best && index < at)) {
        best = most[lane];
        at = index;
      }
    }
  }
  bool any_nan = false;
  for (int lane = 0; lane < kLanes; lane++) any_nan |= bad[lane] != 0;
  for (; i < n; i++) {
    any_nan |= x[i] != x[i];
    if (x[i] > best) {
      best = x[i];
      at = static_cast<uint32_t>(i);
    }
  }
  return any_nan ? static_cast<uint32_t>(first_nan(x, n)) : at;
}

}  // namespace ISA

}  // namespace abstractllm::cpu
