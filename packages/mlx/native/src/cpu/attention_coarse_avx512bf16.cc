// Rows in the lanes, as in attention_kernel.h, and two keys or two features in each lane of a product.
#include <algorithm>

#include "affine_lanes.h"
#include "attention_coarse.h"
#include "attention_steps.h"
#include "transpose_avx512.h"

namespace abstractllm::cpu {
namespace {

constexpr int kStep = 64;  // keys at a time
constexpr int kVectors = 4;
constexpr int kWidth = kVectors * kLanes;  // rows at a time
static_assert(kCoarseRows % kWidth == 0);

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

// Neighbouring features in a pair: [dims / 2].
inline void pair_row(const float* row, int dims, Floats scale, Pair* out) {
  for (int d = 0; d < dims; d += kLanes) {
    const __m512 v = reinterpret_cast<__m512>(load_at(row, d, dims) * scale);
    const __m256i pairs = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v));
    const int left = (dims - d) / 2;
    if (left >= 8) _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + d / 2), pairs);
    else _mm256_mask_storeu_epi32(out + d / 2, static_cast<__mmask8>((1 << left) - 1), pairs);
  }
}

// Two features of a key in each pair: [n][dims / 2].
void pair_features(const RowReader& keys, int first, int n, int dims, float* room, Pair* out) {
  for (int j = 0; j < n; j++) pair_row(keys.row(first + j, room), dims, splat(1), out + j * (dims / 2));
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

// to[c * to_stride + r] = from[r * from_stride + c] for r < rows and c < columns.
void turn(const float* from, int from_stride, int rows, int columns, float* to, int to_stride) {
  constexpr int kSide = 16;
  const int whole_rows = rows / kSide * kSide, whole_columns = columns / kSide * kSide;
  for (int r = 0; r < whole_rows; r += kSide) {
    for (int c = 0; c < whole_columns; c += kSide) {
      transpose_16(from + r * from_stride + c, static_cast<size_t>(from_stride), to + c * to_stride + r,
                   static_cast<size_t>(to_stride));
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int c = r < whole_rows ? whole_columns : 0; c < columns; c++) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

// Up to kWidth rows and how far their attention has come.
class Block {
 public:
  static size_t scratch(int key_dims, int value_dims) { return static_cast<size_t>((key_dims / 2 + value_dims) * kWidth); }

  // Turns to `rows`. `memory` is the block's own; `room` has a place for as many queries in pairs.
  void begin(const AttentionRow* rows, int count, const AttentionKeys& keys, const float* most, const float* total,
             float* memory, Pair* room) {
    count_ = count, half_ = keys.key_dims / 2, dims_ = keys.value_dims;
    seen_by_all_ = rows[0].visible, seen_by_some_ = rows[count - 1].visible;
    sums_ = memory, q_ = reinterpret_cast<Pair*>(memory + dims_ * kWidth);
    std::memset(memory, 0, scratch(keys.key_dims, dims_) * sizeof(float));
    for (int r = 0; r < count; r++) {
      pair_row(rows[r].q, keys.key_dims, splat(keys.scale), room + r * half_);
      Lanes& l = lanes_[r / kLanes];
      l.most[r % kLanes] = most[r];
      l.total[r % kLanes] = total[r];
      l.visible[r % kLanes] = rows[r].visible;
    }
    turn(reinterpret_cast<float*>(room), half_, count, half_, reinterpret_cast<float*>(q_), kWidth);
  }

  // Attends keys [first, first + n), which lie in pairs `k [n][half]` and `v [(n + 1) / 2][dims]`.
  void attend(int first, int n, const Pair* k, const Pair* v, float* scores, Pair* weights) {
    n = std::min(n, seen_by_some_ - first);
    if (n <= 0) return;
    product(k, half_, 1, n, q_, half_, nullptr, scores);
    Floats factors[kVectors];
    for (int i = 0; i < kVectors; i++) {
      soften(first, n, seen_by_all_ < first + n, scores + i * kLanes, weights + i * kLanes, lanes_[i]);
      factors[i] = lanes_[i].factor;
    }
    product(v, 1, dims_, dims_, weights, (n + 1) / 2, factors, sums_);
  }

  // Leaves the state of its rows.
  void finish(float* sums, float* most, float* total) const {
    for (int r = 0; r < count_; r++) {
      most[r] = lanes_[r / kLanes].most[r % kLanes];
      total[r] = lanes_[r / kLanes].total[r % kLanes];
    }
    turn(sums_, kWidth, dims_, count_, sums, dims_);
  }

 private:
  int count_ = 0, half_ = 0, dims_ = 0;
  int seen_by_all_ = 0, seen_by_some_ = 0;  // keys before these
  float* sums_ = nullptr;  // [dims][kWidth]
  Pair* q_ = nullptr;      // scaled, two features in each pair: [half][kWidth]
  Lanes lanes_[kVectors] = {};
};

}  // namespace

size_t coarse_attention_scratch(int key_dims, int value_dims) {
  const int shared = kStep * kWidth + kStep / 2 * kWidth + kStep * key_dims / 2 + (kStep / 2 + 2) * value_dims + 2 * key_dims;
  return static_cast<size_t>(shared) + kCoarseRows / kWidth * Block::scratch(key_dims, value_dims);
}

void attend_coarse_avx512bf16(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
                              const AttentionState& state, float* scratch) {
  const int dims = keys.value_dims, half = keys.key_dims / 2;
  float* scores = scratch;                                              // [kStep][kWidth]
  Pair* weights = reinterpret_cast<Pair*>(scores + kStep * kWidth);     // [kStep / 2][kWidth]
  Pair* k = weights + kStep / 2 * kWidth;                               // [kStep][half]
  Pair* v = k + kStep * half;                                           // [kStep / 2][dims]
  float* room = reinterpret_cast<float*>(v + kStep / 2 * dims);         // two rows
  float* memory = room + 2 * (keys.key_dims + dims);
  static_assert(kStep >= kWidth);  // rows in pairs take the place of keys first
  Block blocks[kCoarseRows / kWidth];
  const int block_count = (count + kWidth - 1) / kWidth;
  for (int b = 0; b < block_count; b++) {
    const int r = b * kWidth;
    blocks[b].begin(rows + r, std::min(kWidth, count - r), keys, state.most + r, state.total + r,
                    memory + b * Block::scratch(keys.key_dims, dims), k);
  }
  const RowReader key_rows(keys, keys.k, keys.k_stride, keys.key_dims), value_rows(keys, keys.v, keys.v_stride, dims);
  for (int first = begin; first < end; first += kStep) {
    const int n = std::min(kStep, end - first);
    pair_features(key_rows, first, n, keys.key_dims, room, k);
    pair_values(value_rows, first, n, dims, room, v);
    for (int b = 0; b < block_count; b++) blocks[b].attend(first, n, k, v, scores, weights);
  }
  for (int b = 0; b < block_count; b++) {
    const int r = b * kWidth;
    blocks[b].finish(state.sums + static_cast<size_t>(r) * dims, state.most + r, state.total + r);
  }
}

}  // namespace abstractllm::cpu
