// Products with the thin matrices of adapters, compiled once per instruction set: the including file defines ISA.
#include "low_rank_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

// Short rows wait for memory, which several at a time ask for more of; two sums of each hide the latency of addition.
constexpr size_t kTogether = 4;
constexpr int kChains = 2;

template <int kRows, typename T>
void dots(const float* x, const T* w, size_t n, float* out) {
  Floats sums[kRows][kChains] = {};
  size_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int j = 0; j < kChains; j++) {
      const size_t at = i + j * kLanes;
      const Floats v = load(x + at);
      for (int r = 0; r < kRows; r++) sums[r][j] = multiply_add(v, load(w + r * n + at), sums[r][j]);
    }
  }
  for (; i < n; i += kLanes) {
    const size_t left = n - i;
    const auto part = [&](const auto* p) { return left < kLanes ? load_first(p + i, left) : load(p + i); };
    const Floats v = part(x);
    for (int r = 0; r < kRows; r++) sums[r][0] = multiply_add(v, part(w + r * n), sums[r][0]);
  }
  for (int r = 0; r < kRows; r++) out[r] = sum_lanes(sums[r][0] + sums[r][1]);
}

template <typename T>
void all_dots(const float* x, const T* w, size_t count, size_t n, float* out) {
  size_t i = 0;
  for (; i + kTogether <= count; i += kTogether) dots<kTogether>(x, w + i * n, n, out + i);
  for (; i < count; i++) dots<1>(x, w + i * n, n, out + i);
}

// The columns of kVectors vectors.
template <int kVectors, typename T>
void add_columns(const float* low, size_t rank, const T* up, size_t stride, const float* gains, float* out) {
  Floats sums[kVectors];
  for (int j = 0; j < kVectors; j++) sums[j] = load(out + j * kLanes);
  for (size_t r = 0; r < rank; r++) {
    const Floats v = splat(low[r]);
    for (int j = 0; j < kVectors; j++) sums[j] = multiply_add(v, load(up + r * stride + j * kLanes), sums[j]);
  }
  for (int j = 0; j < kVectors; j++) store(out + j * kLanes, gains ? sums[j] * load(gains + j * kLanes) : sums[j]);
}

// Fewer columns than a vector has.
template <typename T>
void add_last_columns(const float* low, size_t rank, const T* up, size_t stride, const float* gains, float* out, size_t n) {
  Floats sum = load_first(out, n);
  for (size_t r = 0; r < rank; r++) sum = multiply_add(splat(low[r]), load_first(up + r * stride, n), sum);
  store_first(out, gains ? sum * load_first(gains, n) : sum, n);
}

template <typename T>
void add_all_columns(const float* low, size_t rank, const T* up, size_t stride, const float* gains, float* out, size_t n) {
  constexpr size_t kFour = 4 * kLanes;
  const auto gains_at = [&](size_t i) { return gains ? gains + i : nullptr; };
  size_t i = 0;
  for (; i + kFour <= n; i += kFour) add_columns<4>(low, rank, up + i, stride, gains_at(i), out + i);
  for (; i + kLanes <= n; i += kLanes) add_columns<1>(low, rank, up + i, stride, gains_at(i), out + i);
  if (i < n) add_last_columns(low, rank, up + i, stride, gains_at(i), out + i, n - i);
}

}  // namespace

namespace ISA {

void dot_rows(const float* x, const void* w, bool has_halves, size_t count, size_t n, float* out) {
  if (has_halves) return all_dots(x, static_cast<const Half*>(w), count, n, out);
  all_dots(x, static_cast<const float*>(w), count, n, out);
}

void add_rank_row(const float* low, size_t rank, const void* up, bool has_halves, size_t stride, const float* gains,
                  float* out, size_t n) {
  if (has_halves) return add_all_columns(low, rank, static_cast<const Half*>(up), stride, gains, out, n);
  add_all_columns(low, rank, static_cast<const float*>(up), stride, gains, out, n);
}

}  // namespace ISA

}  // namespace abstractllm::cpu
