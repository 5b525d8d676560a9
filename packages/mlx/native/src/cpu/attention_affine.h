// Attention of a few rows to keys and values of a few bits: whole numbers are multiplied as they are, and scales and
// biases meet the scores and the weights, of which there are fewer. Only for kernels.
#pragma once

#include "affine_lanes.h"
#include "attention_steps.h"

namespace abstractllm::cpu {

namespace {

// One scale or bias of each of n rows, as floats.
inline void gather_scales(const uint8_t* from, int64_t stride, int n, bool are_half, float* out) {
  if (!are_half) {
    for (int j = 0; j < n; j++) std::memcpy(out + j, from + j * stride, sizeof(float));
    return;
  }
  Half halves[kFewStep] = {};
  for (int j = 0; j < n; j++) std::memcpy(halves + j, from + j * stride, sizeof(Half));
  for (int j = 0; j < n; j += kLanes) store(out + j, load(halves + j));
}

// Scales and biases that a group of one step's rows has, as floats.
struct AffineTable {
  float* scales;
  float* biases;

  void fill(const uint8_t* rows, int64_t stride, int dims, int group, int n, const AffineFormat& format) const {
    const int groups = dims / format.group, size = format.scale_size();
    const uint8_t* behind = rows + format.bytes_of_numbers(dims) + group * size;
    gather_scales(behind, stride, n, format.has_half_scales, scales);
    gather_scales(behind + groups * size, stride, n, format.has_half_scales, biases);
  }
};

// out[r * kFewStep + j] = q[r] . wholes of key j, over the group of features from `first` on.
template <int kRows, int kBits>
void dot_wholes(const float* q, int q_row, const uint8_t* k, int64_t stride, int first, int group, int n,
                const Ahead<uint8_t>& ahead, float* out) {
  for (int j = 0; j < n; j += 4) {
    const uint8_t* key[4];
    for (int i = 0; i < 4; i++) {
      key[i] = k + (j + i < n ? j + i : n - 1) * stride;  // repeats the last one
      if (first == 0) ahead.fetch(j + i);
    }
    Floats sums[kRows][4] = {};
    for (int d = first; d < first + group; d += kLanes) {
      Floats wholes[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) wholes[i] = unpack<kBits>(key[i], d);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; r++) {
        const Floats query = load(q + r * q_row + d);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) sums[r][i] = multiply_add(query, wholes[i], sums[r][i]);
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; r++) {
      const Quad four = sum_lanes(sums[r][0], sums[r][1], sums[r][2], sums[r][3]);
      std::memcpy(out + r * kFewStep + j, &four, sizeof four);
    }
  }
}

inline float dot(const float* a, const float* b, int n) {
  Floats sum = {};
  for (int j = 0; j < n; j += kLanes) sum = multiply_add(load_at(a, j, n), load_at(b, j, n), sum);
  return sum_lanes(sum);
}

inline float sum_of(const float* x, int n) {
  Floats sum = {};
  for (int d = 0; d < n; d += kLanes) sum += load(x + d);
  return sum_lanes(sum);
}

// sums[r] = sums[r] * factors[r] + added[r] + weights[r] @ wholes, for kVectors vectors of one group from `d` on. Row r of
// `weights` and `added` is `weights_row` behind the one before.
template <int kRows, int kVectors, int kBits>
void add_wholes(const float* weights, int64_t weights_row, const float* factors, const float* added, const uint8_t* v,
                int64_t stride, int d, int dims, int n, const Ahead<uint8_t>& ahead, float* sums) {
  Floats acc[kRows][kVectors];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) {
      acc[r][i] = multiply_add(load(sums + r * dims + d + i * kLanes), splat(factors[r]), splat(added[r]));
    }
  }
  for (int j = 0; j < n; j++) {
    const uint8_t* value = v + j * stride;
    if (d == 0) ahead.fetch(j);
    Floats wholes[kVectors];
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) wholes[i] = unpack<kBits>(value, d + i * kLanes);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; r++) {
      const Floats weight = splat(weights[r * weights_row + j]);
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; i++) acc[r][i] = multiply_add(weight, wholes[i], acc[r][i]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) store(sums + r * dims + d + i * kLanes, acc[r][i]);
  }
}

// Keys and values of kBits for `attend_rows`.
template <int kBits>
class AffineRows {
 public:
  AffineRows(const AttentionKeys& keys, float* scratch)
      : keys_(keys), format_(keys.format), table_{scratch, scratch + kFewStep}, products_(scratch + 2 * kFewStep) {}

  template <int kRows>
  void score(const float* q, int first, int n, float* scores) const {
    const int dims = keys_.key_dims, group = format_.group;
    const uint8_t *k = row(keys_.k, keys_.k_stride, first), *v = row(keys_.v, keys_.v_stride, first);
    const int64_t stride = keys_.k_stride * 4;
    const Ahead<uint8_t> values{v, keys_.v_stride * 4, 4 * format_.words(keys_.value_dims)};
    for (int d = 0; d < dims; d += group) {
      dot_wholes<kRows, kBits>(q, dims, k, stride, d, group, n, values, products_);
      table_.fill(k, stride, dims, d / group, n, format_);  // behind the products, which wait less for memory
      for (int r = 0; r < kRows; r++) {
        const Floats whole = splat(sum_of(q + r * dims + d, group));
        const float* products = products_ + r * kFewStep;
        float* out = scores + r * kFewStep;
        for (int j = 0; j < n; j += kLanes) {
          const Floats before = d == 0 ? Floats{} : load(out + j);
          const Floats shift = multiply_add(load(table_.biases + j), whole, before);
          store(out + j, multiply_add(load(products + j), load(table_.scales + j), shift));
        }
      }
    }
  }

  template <int kRows>
  void add(const float* weights, const float* factors, int first, int n, const void* next, float* sums) const {
    const int dims = keys_.value_dims, group = format_.group;
    const uint8_t* v = row(keys_.v, keys_.v_stride, first);
    const int64_t stride = keys_.v_stride * 4;
    const uint8_t* ahead = next ? static_cast<const uint8_t*>(next) : row(keys_.k, keys_.k_stride, first + n);
    const Ahead<uint8_t> next_keys{ahead, keys_.k_stride * 4, 4 * format_.words(keys_.key_dims)};
    for (int begin = 0; begin < dims; begin += group) {
      table_.fill(v, stride, dims, begin / group, n, format_);
      float added[kRows];
      for (int r = 0; r < kRows; r++) {
        const float* row_weights = weights + r * kFewStep;
        added[r] = dot(row_weights, table_.biases, n);
        float* scaled = products_ + r * kFewStep;
        for (int j = 0; j < n; j += kLanes) store(scaled + j, load(row_weights + j) * load(table_.scales + j));
      }
      // a group of 32 has two vectors of 16
      constexpr int kVectors = kLanes == 16 ? 2 : 4;
      for (int d = begin; d < begin + group;) {
        if (d + 4 * kLanes <= begin + group) {
          add_wholes<kRows, 4, kBits>(products_, kFewStep, factors, added, v, stride, d, dims, n, next_keys, sums);
          d += 4 * kLanes;
        } else {
          add_wholes<kRows, kVectors, kBits>(products_, kFewStep, factors, added, v, stride, d, dims, n, next_keys, sums);
          d += kVectors * kLanes;
        }
      }
    }
  }

 private:
  static const uint8_t* row(const void* base, int64_t stride, int i) {
    return static_cast<const uint8_t*>(base) + i * stride * 4;
  }

  const AttentionKeys& keys_;
  const AffineFormat format_;
  const AffineTable table_;
  float* const products_;  // [kRows][kFewStep]
};

}  // namespace

}  // namespace abstractllm::cpu
