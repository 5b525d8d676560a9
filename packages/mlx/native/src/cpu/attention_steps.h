// What kernels of attention share, whatever keys and values lie in. Only for kernels.
#pragma once

#include "attention_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

constexpr float kLowest = -3.402823466e38f;
// Keys at a time, as many as a part of a single position has (attention_plan.cc): softmax, between keys and values, waits for
// its own results.
constexpr int kFewStep = 128;

inline float exponential_of(float x) { return exponential(splat(x))[0]; }

template <typename Score>
Score capped(Score s, float cap) {
  return hyperbolic_tangent(s / cap) * cap;
}

// The score of one key under a row's mask.
inline float masked(float score, const AttentionKeys& keys, const void* mask, int key) {
  const int64_t at = key * keys.mask_step;
  if (keys.mask_kind == MaskKind::bools) return static_cast<const bool*>(mask)[at] ? score : kLowest;
  return score + static_cast<const float*>(mask)[at];
}

// Vectors of `T` as floats, the last one padded with zeros.
template <typename T>
Floats load_at(const T* p, int i, int n) {
  return i + kLanes <= n ? load(p + i) : load_first(p + i, static_cast<size_t>(n - i));
}

inline void store_at(float* p, Floats v, int i, int n) {
  if (i + kLanes <= n) store(p + i, v);
  else store_first(p + i, v, static_cast<size_t>(n - i));
}

// Rows of keys or values that are read next. The processor's own prefetching stops at the end of each page of 4 KiB, and
// steps turn from keys to values more often still. Asked for in the second cache level: the first one has room for few
// requests, and with those alone memory gives two thirds of its rate.
template <typename T, int kDims = 0>
struct Ahead {
  const T* from;
  int64_t stride;
  int some_dims;  // where kDims is 0

  // Asks for the memory of row `j`, which may lie behind the last one.
  void fetch(int j) const {
    constexpr int kLine = 64 / sizeof(T);
    const int dims = kDims ? kDims : some_dims;
    for (int d = 0; d < dims; d += kLine) __builtin_prefetch(from + j * stride + d, 0, 2);
  }
};

}  // namespace

}  // namespace abstractllm::cpu
