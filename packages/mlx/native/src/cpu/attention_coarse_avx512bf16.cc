// Rows in the lanes, as in attention_kernel.h, and two keys or two features in each lane of a product.
#include "affine_lanes.h"
#include "attention_coarse.h"
#include "attention_steps.h"

namespace abstractllm::cpu {
namespace {

constexpr float kLowest = -3.402823466e38f;
constexpr int kStep = 64;  // keys at a time
constexpr int kVectors = 4;
constexpr int kWidth = kVectors * kLanes;
static_assert(kWidth == kAttentionRows);

// Two bfloat16 numbers.
using Pair = uint32_t;
typedef Pair Pairs __attribute__((vector_size(64)));

inline Pairs as_pairs(Floats v) { return reinterpret_cast<Pairs>(v); }

// Rounded to the nearest; halves away from zero.
inline Pairs join(Floats low, Floats high) {
  return ((as_pairs(low) + 0x8000u) >> 16) | ((as_pairs(high) + 0x8000u) & 0xffff0000u);
}

inline Pairs load_pairs(const Pair* p) {
  Pairs v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_pairs(Pair* p, Pairs v) { std::memcpy(p, &v, sizeof v); }

// c[j] = c[j] * factor + sum over i < n of the products of both halves of a[j * a_row + i * a_step] and b[i], for kHeight
// rows of kVectors vectors.
template <int kHeight>
inline void tile(const Pair* a, int a_row, int a_step, const Pair* b, int n, const Floats* factor, float* c) {
  Floats acc[kHeight][kVectors] = {};
  if (factor) {
#pragma GCC unroll 6
    for (int j = 0; j < kHeight; j++)
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; i++) acc[j][i] = load(c + j * kWidth + i * kLanes) * factor[i];
  }
  for (int s = 0; s < n; s++) {
    Pairs right[kVectors];
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) right[i] = load_pairs(b + s * kWidth + i * kLanes);
#pragma GCC unroll 6
    for (int j = 0; j < kHeight; j++) {
      const __m512bh left = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a[j * a_row + s * a_step])));
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; i++) {
        acc[j][i] = reinterpret_cast<Floats>(
            _mm512_dpbf16_ps(reinterpret_cast<__m512>(acc[j][i]), reinterpret_cast<__m512bh>(right[i]), left));
      }
    }
  }
#pragma GCC unroll 6
  for (int j = 0; j < kHeight; j++)
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) store(c + j * kWidth + i * kLanes, acc[j][i]);
}

// The same for any number of rows.
void product(const Pair* a, int a_row, int a_step, int height, const Pair* b, int n, const Floats* factor, float* c) {
  for (; height >= 6; height -= 6, a += 6 * a_row, c += 6 * kWidth) tile<6>(a, a_row, a_step, b, n, factor, c);
  if (height >= 4) tile<4>(a, a_row, a_step, b, n, factor, c), height -= 4, a += 4 * a_row, c += 4 * kWidth;
  if (height >= 2) tile<2>(a, a_row, a_step, b, n, factor, c), height -= 2, a += 2 * a_row, c += 2 * kWidth;
  if (height >= 1) tile<1>(a, a_row, a_step, b, n, factor, c);
}

// e ** x for x <= 0 to 1e-4 of itself, which is less than a weight is rounded by; 1 for 0.
inline Floats coarse_exponential(Floats x) {
  const Floats magic = splat(12582912.0f);  // 1.5 * 2 ** 23: adding it leaves the rounded integer in the low bits
  x = larger(x, splat(-87.0f));
  const Floats shifted = multiply_add(x, splat(1.44269504f), magic);
  const Floats r = multiply_add(x, splat(1.44269504f), magic - shifted);
  Floats p = splat(0.0550084f);
  p = multiply_add(p, r, splat(0.2422108f));
  p = multiply_add(p, r, splat(0.6932830f));
  p = multiply_add(p, r, splat(1.0f));
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(p) + (reinterpret_cast<Ints>(shifted) << 23));
}

// Keys or values as floats, one row after the other.
class RowReader {
 public:
  RowReader(const AttentionKeys& keys, const void* base, int64_t stride, int dims)
      : keys_(keys), base_(static_cast<const char*>(base)), bytes_(stride * cache_item(keys.type)), dims_(dims) {}

  // `room` may be used.
  const float* row(int j, float* room) const {
    const char* from = base_ + j * bytes_;
    if (keys_.type == CacheType::f32) return reinterpret_cast<const float*>(from);
    if (keys_.type == CacheType::affine) {
      avx512::dequantize_row(reinterpret_cast<const uint8_t*>(from), room, dims_, keys_.format);
      return room;
    }
    for (int d = 0; d < dims_; d += kLanes) {
      const Floats v = keys_.type == CacheType::f16 ? load_at(reinterpret_cast<const Half*>(from), d, dims_)
                                                    : load_at(reinterpret_cast<const Bf16*>(from), d, dims_);
      store_at(room, v, d, dims_);
    }
    return room;
  }

 private:
  const AttentionKeys& keys_;
  const char* base_;
  int64_t bytes_;
  int dims_;
};

// Two features of a key in each pair: [n][dims / 2].
void pair_features(const RowReader& keys, int first, int n, int dims, float* room, Pair* out) {
  for (int j = 0; j < n; j++, out += dims / 2) {
    const float* row = keys.row(first + j, room);
    for (int d = 0; d < dims; d += kLanes) {
      const __m512 v = reinterpret_cast<__m512>(load_at(row, d, dims));
      const __m256i halves = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v));
      const int left = (dims - d) / 2;
      _mm256_mask_storeu_epi32(out + d / 2, static_cast<__mmask8>(left < 8 ? (1 << left) - 1 : 0xff), halves);
    }
  }
}

// Two values of a feature in each pair: [(n + 1) / 2][dims]; beside a last one is zero.
void pair_values(const RowReader& values, int first, int n, int dims, float* room, Pair* out) {
  for (int j = 0; j < n; j += 2, out += dims) {
    const float* low = values.row(first + j, room);
    const float* high = j + 1 < n ? values.row(first + j + 1, room + dims) : nullptr;
    for (int d = 0; d < dims; d += kLanes) {
      const Pairs both = join(load_at(low, d, dims), high ? load_at(high, d, dims) : Floats{});
      store_at(reinterpret_cast<float*>(out), reinterpret_cast<Floats>(both), d, dims);
    }
  }
}

// One vector of rows: where they are and how far their softmax has come.
struct Lanes {
  Floats most, total, factor;
  Ints visible;
};

// Scores of keys [first, first + n) to weights, two keys in each pair, for one vector of rows.
void soften(int first, int n, bool hides_some, float* scores, Pair* weights, Lanes& lanes) {
  if (hides_some) {
    const Floats hidden = splat(-__builtin_inff());
    for (int s = 0; s < n; s++) {
      const Ints is_seen = lanes.visible > first + s;
      store(scores + s * kWidth, is_seen ? load(scores + s * kWidth) : hidden);
    }
  }
  Floats best = lanes.most;
  for (int s = 0; s < n; s++) best = larger(load(scores + s * kWidth), best);
  best = larger(best, splat(kLowest));
  lanes.factor = coarse_exponential(lanes.most - best);
  Floats sum = {};
  for (int s = 0; s < n; s += 2, weights += kWidth) {
    const Floats low = coarse_exponential(load(scores + s * kWidth) - best);
    const Floats high = s + 1 < n ? coarse_exponential(load(scores + (s + 1) * kWidth) - best) : Floats{};
    store_pairs(weights, join(low, high));
    sum += low + high;
  }
  lanes.total = multiply_add(lanes.total, lanes.factor, sum);
  lanes.most = best;
}

// Scaled queries, two features in each pair: [dims / 2][kWidth].
void pair_queries(const AttentionRow* rows, int count, const AttentionKeys& keys, Pair* out) {
  std::memset(out, 0, static_cast<size_t>(keys.key_dims / 2 * kWidth) * sizeof(Pair));
  for (int r = 0; r < count; r++) {
    for (int d = 0; d < keys.key_dims / 2; d++) {
      const float two[] = {rows[r].q[2 * d] * keys.scale, rows[r].q[2 * d + 1] * keys.scale};
      uint32_t bits[2];
      std::memcpy(bits, two, sizeof bits);
      out[d * kWidth + r] = (bits[0] + 0x8000u) >> 16 | ((bits[1] + 0x8000u) & 0xffff0000u);
    }
  }
}

}  // namespace

void attend_coarse_avx512bf16(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
                              const AttentionState& state, float* scratch) {
  const int dims = keys.value_dims, half = keys.key_dims / 2;
  float* sums = scratch;                  // [dims][kWidth]
  float* scores = sums + dims * kWidth;   // [kStep][kWidth]
  float* room = scores + kStep * kWidth;  // two rows
  Pair* q = reinterpret_cast<Pair*>(room + 2 * (keys.key_dims + dims));
  Pair* weights = q + half * kWidth;            // [kStep / 2][kWidth]
  Pair* k = weights + kStep / 2 * kWidth;       // [kStep][half]
  Pair* v = k + kStep * half;                   // [kStep / 2][dims]
  std::memset(sums, 0, static_cast<size_t>(dims * kWidth) * sizeof(float));
  pair_queries(rows, count, keys, q);
  const RowReader key_rows(keys, keys.k, keys.k_stride, keys.key_dims), value_rows(keys, keys.v, keys.v_stride, dims);
  Lanes lanes[kVectors] = {};
  int least_visible = end;
  for (int r = 0; r < count; r++) {
    Lanes& l = lanes[r / kLanes];
    l.most[r % kLanes] = state.most[r];
    l.total[r % kLanes] = state.total[r];
    l.visible[r % kLanes] = rows[r].visible;
    if (rows[r].visible < least_visible) least_visible = rows[r].visible;
  }
  for (int first = begin; first < end; first += kStep) {
    const int n = end - first < kStep ? end - first : kStep;
    pair_features(key_rows, first, n, keys.key_dims, room, k);
    pair_values(value_rows, first, n, dims, room, v);
    product(k, half, 1, n, q, half, nullptr, scores);
    Floats factors[kVectors];
    for (int i = 0; i < kVectors; i++) {
      soften(first, n, least_visible < first + n, scores + i * kLanes, weights + i * kLanes, lanes[i]);
      factors[i] = lanes[i].factor;
    }
    product(v, 1, dims, dims, weights, (n + 1) / 2, factors, sums);
  }
  for (int r = 0; r < count; r++) {
    state.most[r] = lanes[r / kLanes].most[r % kLanes];
    state.total[r] = lanes[r / kLanes].total[r % kLanes];
    for (int d = 0; d < dims; d++) state.sums[r * dims + d] = sums[d * kWidth + r];
  }
}

}  // namespace abstractllm::cpu
