// Attention of a few rows, as decode steps have them: dot products along the features, keys read once for up to four rows.
// Only for kernels.
#pragma once

#include "attention_affine.h"
#include "attention_steps.h"

namespace abstractllm::cpu {

namespace {

constexpr int kFewRows = 8;  // more are faster side by side

#ifdef __AVX512VL__
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// scores[r * kFewStep + j] for kRows rows and keys j < n, four keys at a time.
template <int kRows, int kDims, typename T>
void dot_scores(const float* q, const T* k, int64_t stride, int some_dims, int n, const Ahead<T, kDims>& ahead,
                float* scores) {
  const int dims = kDims ? kDims : some_dims;
  const int whole = dims - dims % kLanes;
  const size_t rest = static_cast<size_t>(dims - whole);
  for (int j = 0; j < n; j += 4, k += 4 * stride) {
    const T* key[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      key[i] = k + (j + i < n ? i : n - 1 - j) * stride;  // repeats the last one
      ahead.fetch(j + i);
    }
    Floats sums[kRows][4] = {};
    const auto add = [&](auto&& read, int d) {
      Floats values[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) values[i] = read(key[i] + d);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; r++) {
        const Floats query = read(q + r * dims + d);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) sums[r][i] = multiply_add(query, values[i], sums[r][i]);
      }
    };
#pragma GCC unroll 8
    for (int d = 0; d < whole; d += kLanes) add([](auto* p) { return load(p); }, d);
    if (whole < dims) add([rest](auto* p) { return load_first(p, rest); }, whole);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; r++) {
      const Quad four = sum_lanes(sums[r][0], sums[r][1], sums[r][2], sums[r][3]);
      std::memcpy(scores + r * kFewStep + j, &four, sizeof four);
    }
  }
}

// The largest of `least` and n scores, and not below kLowest, so that minus infinity minus it is no NaN.
float largest_score(const float* scores, int n, float least) {
  Floats most = splat(least < kLowest ? kLowest : least), others = most;
  int j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
    most = larger(load(scores + j), most);
    others = larger(load(scores + j + kLanes), others);
  }
  for (; j + kLanes <= n; j += kLanes) most = larger(load(scores + j), most);
  float best = largest_lane(larger(others, most));
  for (; j < n; j++) best = scores[j] > best ? scores[j] : best;
  return best;
}

// Scores to weights, in place; returns what the sums so far must be multiplied with.
float soften_row(const AttentionRow& row, const AttentionKeys& keys, int first, int n, float* scores, float& most,
                 float& total) {
  const int seen = row.visible - first < n ? row.visible - first : n;
  if (seen <= 0) {
    std::memset(scores, 0, static_cast<size_t>(n) * sizeof(float));
    return 1;
  }
  if (keys.cap != 0) {
    for (int j = 0; j < seen; j += kLanes) store_at(scores, capped(load_at(scores, j, seen), keys.cap), j, seen);
  }
  if (keys.mask_kind != MaskKind::none) {
    for (int j = 0; j < seen; j++) scores[j] = masked(scores[j], keys, row.mask, first + j);
  }
  const float best = largest_score(scores, seen, most);
  const float factor = best == most ? 1 : exponential_of(most - best);
  float sum = 0;
  const Floats shift = splat(best);
  Floats sums = {};
  int j = 0;
  Floats others = {};
  for (; j + 2 * kLanes <= seen; j += 2 * kLanes) {
    const Floats p = exponential(load(scores + j) - shift);
    store(scores + j, p);
    sums += p;
    const Floats o = exponential(load(scores + j + kLanes) - shift);
    store(scores + j + kLanes, o);
    others += o;
  }
  sums += others;
  for (; j + kLanes <= seen; j += kLanes) {
    const Floats p = exponential(load(scores + j) - shift);
    store(scores + j, p);
    sums += p;
  }
  if (j < seen) {
    store_at(scores, exponential(load_at(scores, j, seen) - shift), j, seen);
    for (int i = j; i < seen; i++) sum += scores[i];
  }
  for (int i = seen; i < n; i++) scores[i] = 0;
  total = total * factor + (sum + sum_lanes(sums));
  most = best;
  return factor;
}

// sums[r] = sums[r] * factors[r] + weights[r] @ values, for kRows rows and kVectors vectors of features from `d` on, of
// which a single one may be the last and not whole.
template <int kRows, int kVectors, int kDims, typename T>
void add_values(const float* weights, const float* factors, const T* v, int64_t stride, int d, int some_dims, int n,
                const Ahead<T, kDims>& ahead, float* sums) {
  const int dims = kDims ? kDims : some_dims;
  const auto read = [&](auto* row, int i) {
    if constexpr (kVectors == 1) return load_at(row, d, dims);
    else return load(row + d + i * kLanes);
  };
  Floats acc[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; i++) acc[r][i] = read(sums + r * dims, i) * factors[r];
  }
  for (int j = 0; j < n; j++) {
    const T* value = v + j * stride;
    if (d == 0) ahead.fetch(j);
    Floats share[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r++) share[r] = splat(weights[r * kFewStep + j]);
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; i++) {
      const Floats part = read(value, i);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; r++) acc[r][i] = multiply_add(share[r], part, acc[r][i]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; i++) store_at(sums + r * dims, acc[r][i], d + i * kLanes, dims);
  }
}

// Keys and values that are floats for `attend_rows`, of kDims features unless that is 0.
template <typename T, int kDims>
class FloatRows {
 public:
  FloatRows(const AttentionKeys& keys, float*) : keys_(keys) {}

  template <int kRows>
  void score(const float* q, int first, int n, float* scores) const {
    const Ahead<T, kDims> values{row(keys_.v, keys_.v_stride, first), keys_.v_stride, keys_.value_dims};
    const T* k = row(keys_.k, keys_.k_stride, first);
    dot_scores<kRows, kDims>(q, k, keys_.k_stride, keys_.key_dims, n, values, scores);
    if (keys_.more_dims > 0) add_more<kRows>(q + 4 * keys_.key_dims, first, n, scores);
  }

  template <int kRows>
  void add(const float* weights, const float* factors, int first, int n, const void* next, float* sums) const {
    const int dims = keys_.value_dims;
    const T* v = row(keys_.v, keys_.v_stride, first);
    const T* ahead = next ? static_cast<const T*>(next) : row(keys_.k, keys_.k_stride, first + n);
    const Ahead<T, kDims> next_keys{ahead, keys_.k_stride, keys_.key_dims};
    // as many sums as the registers have room for beside a value and the weights
    constexpr int kVectors = kLanes == 8 && kRegisters == 32 && kRows < 4 ? 8 : 4;
    int d = 0;
    for (; d + kVectors * kLanes <= dims; d += kVectors * kLanes) {
      add_values<kRows, kVectors, kDims>(weights, factors, v, keys_.v_stride, d, dims, n, next_keys, sums);
    }
    for (; d < dims; d += kLanes) {
      add_values<kRows, 1, kDims>(weights, factors, v, keys_.v_stride, d, dims, n, next_keys, sums);
    }
  }

 private:
  // What the second parts of queries and keys give.
  template <int kRows>
  void add_more(const float* q, int first, int n, float* scores) const {
    float more[kRows * kFewStep];
    const T* k = row(keys_.k_more, keys_.more_stride, first);
    dot_scores<kRows, 0>(q, k, keys_.more_stride, keys_.more_dims, n, Ahead<T>{k, 0, 0}, more);
    for (int r = 0; r < kRows; r++) {
      for (int j = r * kFewStep; j < r * kFewStep + n; j++) scores[j] += more[j];
    }
  }

  static const T* row(const void* base, int64_t stride, int i) { return static_cast<const T*>(base) + i * stride; }

  const AttentionKeys& keys_;
};

template <int kRows, typename Source>
void attend_rows(const AttentionRow* rows, const AttentionKeys& keys, const Source& source, int begin, int end,
                 const AttentionState& state, const float* q, float* scores) {
  for (int first = begin; first < end; first += kFewStep) {
    const int n = end - first < kFewStep ? end - first : kFewStep;
    source.template score<kRows>(q, first, n, scores);
    float factors[kRows];
    for (int r = 0; r < kRows; r++) {
      factors[r] = soften_row(rows[r], keys, first, n, scores + r * kFewStep, state.most[r], state.total[r]);
    }
    const void* next = first + n == end ? keys.next : nullptr;  // where they do not lie behind these
    source.template add<kRows>(scores, factors, first, n, next, state.sums);
  }
}

template <typename Source>
void attend_few(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
                const AttentionState& state, float* scratch) {
  float* scores = scratch;
  float *q = scores + 4 * kFewStep, *q_more = q + 4 * keys.key_dims;
  const Source source(keys, q_more + 4 * keys.more_dims);
  const int dims = keys.value_dims;
  for (int r = 0; r < count;) {
    const int n = count - r < 4 ? count - r : 4;
    for (int i = 0; i < n; i++) {
      for (int d = 0; d < keys.key_dims; d++) q[i * keys.key_dims + d] = rows[r + i].q[d] * keys.scale;
      for (int d = 0; d < keys.more_dims; d++) q_more[i * keys.more_dims + d] = rows[r + i].q_more[d] * keys.scale;
    }
    const AttentionState part{state.sums + r * dims, state.most + r, state.total + r};
    std::memset(part.sums, 0, static_cast<size_t>(n * dims) * sizeof(float));
    switch (n) {
      case 1: attend_rows<1>(rows + r, keys, source, begin, end, part, q, scores); break;
      case 2: attend_rows<2>(rows + r, keys, source, begin, end, part, q, scores); break;
      case 3: attend_rows<3>(rows + r, keys, source, begin, end, part, q, scores); break;
      default: attend_rows<4>(rows + r, keys, source, begin, end, part, q, scores);
    }
    r += n;
  }
}

template <typename T>
void attend_floats(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
                   const AttentionState& state, float* scratch) {
  const int dims = keys.key_dims == keys.value_dims ? keys.key_dims : 0;
  switch (dims) {
    case 64: return attend_few<FloatRows<T, 64>>(rows, count, keys, begin, end, state, scratch);
    case 128: return attend_few<FloatRows<T, 128>>(rows, count, keys, begin, end, state, scratch);
    default: return attend_few<FloatRows<T, 0>>(rows, count, keys, begin, end, state, scratch);
  }
}

// Keys and values that are floats.
void attend_few_floats(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
                       const AttentionState& state, float* scratch) {
  switch (keys.type) {
    case CacheType::f16: return attend_floats<Half>(rows, count, keys, begin, end, state, scratch);
    case CacheType::bf16: return attend_floats<Bf16>(rows, count, keys, begin, end, state, scratch);
    default: return attend_floats<float>(rows, count, keys, begin, end, state, scratch);
  }
}

}  // namespace

}  // namespace abstractllm::cpu
