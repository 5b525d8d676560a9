// States that fade, compiled once per instruction set: the including file defines ISA.
#include "delta_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

constexpr int kRows = 4;  // that share the loads of keys and queries
constexpr size_t kWidth = kLanes;

// Of features [d, d + n), which is a whole vector unless it is the last.
Floats load_part(const float* p, size_t n) { return n == kWidth ? load(p) : load_first(p, n); }
void store_part(float* p, Floats v, size_t n) {
  if (n == kWidth) store(p, v);
  else store_first(p, v, n);
}

// `kCount` rows of a state from `row` on.
using RunRows = void(const DeltaSteps& s, const float* from, float* to, size_t row, float* y, size_t y_stride);

// What the position before writes is added where this one reads, so that rows are read and written once for each.
template <int kCount>
void replace_in_rows(const DeltaSteps& s, const float* from, float* to, size_t row, float* y, size_t y_stride) {
  const size_t D = s.D;
  from += row * D, to += row * D;
  float written[kCount] = {};
  const float* last_k = s.k;  // times nothing before the first position
  for (size_t t = 0; t < s.count; t++) {
    const float *q = s.q + t * s.q_stride, *k = s.k + t * s.k_stride, *decay = s.decay + t * s.decay_stride;
    Floats known[kCount] = {}, found[kCount] = {}, overlap = {};
    for (size_t d = 0; d < D; d += kWidth) {
      const size_t n = D - d < kWidth ? D - d : kWidth;
      const Floats key = load_part(k + d, n), query = load_part(q + d, n), last = load_part(last_k + d, n);
      const Floats left = s.is_decay_by_feature ? load_part(decay + d, n) : splat(*decay);
      overlap = multiply_add(key, query, overlap);
#pragma GCC unroll 4
      for (int r = 0; r < kCount; r++) {
        const Floats state = left * multiply_add(splat(written[r]), last, load_part(from + static_cast<size_t>(r) * D + d, n));
        store_part(to + static_cast<size_t>(r) * D + d, state, n);
        known[r] = multiply_add(state, key, known[r]);
        found[r] = multiply_add(state, query, found[r]);
      }
    }
    const float own = sum_lanes(overlap), beta = s.beta[t * s.beta_stride];
    for (int r = 0; r < kCount; r++) {
      written[r] = (s.v[t * s.v_stride + row + static_cast<size_t>(r)] - sum_lanes(known[r])) * beta;
      y[t * y_stride + row + static_cast<size_t>(r)] = sum_lanes(found[r]) + written[r] * own;
    }
    from = to;
    last_k = k;
  }
  for (int r = 0; r < kCount; r++) {
    for (size_t d = 0; d < D; d += kWidth) {
      const size_t n = D - d < kWidth ? D - d : kWidth;
      float* at = to + static_cast<size_t>(r) * D + d;
      store_part(at, multiply_add(splat(written[r]), load_part(last_k + d, n), load_part(at, n)), n);
    }
  }
}

template <int kCount>
void add_to_rows(const DeltaSteps& s, const float* from, float* to, size_t row, float* y, size_t y_stride) {
  const size_t D = s.D;
  from += row * D, to += row * D;
  for (size_t t = 0; t < s.count; t++) {
    const float *q = s.q + t * s.q_stride, *k = s.k + t * s.k_stride, *decay = s.decay + t * s.decay_stride;
    const float *v = s.v + t * s.v_stride + row, beta = s.beta[t * s.beta_stride];
    Floats added[kCount], found[kCount] = {};
    for (int r = 0; r < kCount; r++) added[r] = splat(v[r] * beta);
    for (size_t d = 0; d < D; d += kWidth) {
      const size_t n = D - d < kWidth ? D - d : kWidth;
      const Floats key = load_part(k + d, n), query = load_part(q + d, n);
      const Floats left = s.is_decay_by_feature ? load_part(decay + d, n) : splat(*decay);
#pragma GCC unroll 4
      for (int r = 0; r < kCount; r++) {
        const size_t place = static_cast<size_t>(r) * D + d;
        const Floats state = multiply_add(added[r], key, left * load_part(from + place, n));
        store_part(to + place, state, n);
        found[r] = multiply_add(state, query, found[r]);
      }
    }
    for (int r = 0; r < kCount; r++) y[t * y_stride + row + static_cast<size_t>(r)] = sum_lanes(found[r]);
    from = to;
  }
}

// Several rows together, and the last ones by themselves.
template <RunRows run_several, RunRows run_one>
void run_all(const DeltaSteps& s, const float* from, float* to, size_t first, size_t last, float* y, size_t y_stride) {
  size_t row = first;
  for (; row + kRows <= last; row += kRows) run_several(s, from, to, row, y, y_stride);
  for (; row < last; row++) run_one(s, from, to, row, y, y_stride);
}

}  // namespace

namespace ISA {

void delta_rows(const DeltaSteps& steps, const float* from, float* to, size_t first, size_t last, float* y, size_t y_stride) {
  run_all<replace_in_rows<kRows>, replace_in_rows<1>>(steps, from, to, first, last, y, y_stride);
}

void fading_sum_rows(const DeltaSteps& steps, const float* from, float* to, size_t first, size_t last, float* y,
                     size_t y_stride) {
  run_all<add_to_rows<kRows>, add_to_rows<1>>(steps, from, to, first, last, y, y_stride);
}

void exponential_row(const float* x, float* out, size_t n) {
  for (size_t i = 0; i < n; i += kWidth) {
    const size_t count = n - i < kWidth ? n - i : kWidth;
    store_part(out + i, exponential(load_part(x + i, count)), count);
  }
}

}  // namespace ISA

}  // namespace abstractllm::cpu
