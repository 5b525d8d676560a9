// Products with the thin matrices of adapters, compiled once per instruction set: the including file defines ISA.
#include "low_rank_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

// Sums of one row at a time hide the latency of addition too.
constexpr int kChains = 2;

template <int kRows>
void dots(const float* x, size_t stride, const float* w, size_t n, float* out, size_t ldo) {
  Floats sums[kRows][kChains] = {};
  size_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int j = 0; j < kChains; j++) {
      const Floats v = load(w + i + j * kLanes);
      for (int m = 0; m < kRows; m++) sums[m][j] = multiply_add(v, load(x + m * stride + i + j * kLanes), sums[m][j]);
    }
  }
  for (; i < n; i += kLanes) {
    const size_t left = n - i;
    auto part = [&](const float* p) { return left < kLanes ? load_first(p + i, left) : load(p + i); };
    const Floats v = part(w);
    for (int m = 0; m < kRows; m++) sums[m][0] = multiply_add(v, part(x + m * stride), sums[m][0]);
  }
  for (int m = 0; m < kRows; m++) out[m * ldo] = sum_lanes(sums[m][0] + sums[m][1]);
}

// The columns of kVectors vectors.
template <int kVectors>
void add_rank(const float* low, size_t rank, const float* up, size_t stride, const float* gains, float* out) {
  Floats sums[kVectors];
  for (int j = 0; j < kVectors; j++) sums[j] = load(out + j * kLanes);
  for (size_t r = 0; r < rank; r++) {
    const Floats v = splat(low[r]);
    for (int j = 0; j < kVectors; j++) sums[j] = multiply_add(v, load(up + r * stride + j * kLanes), sums[j]);
  }
  for (int j = 0; j < kVectors; j++) store(out + j * kLanes, gains ? sums[j] * load(gains + j * kLanes) : sums[j]);
}

}  // namespace

namespace ISA {

void dot_rows(const float* x, size_t stride, size_t M, const float* w, size_t n, float* out, size_t ldo) {
  size_t m = 0;
  for (; m + 4 <= M; m += 4) dots<4>(x + m * stride, stride, w, n, out + m * ldo, ldo);
  for (; m < M; m++) dots<1>(x + m * stride, stride, w, n, out + m * ldo, ldo);
}

void add_rank_row(const float* low, size_t rank, const float* up, size_t stride, const float* gains, float* out, size_t n) {
  constexpr size_t kFour = 4 * kLanes;
  const auto gains_at = [&](size_t i) { return gains ? gains + i : nullptr; };
  size_t i = 0;
  for (; i + kFour <= n; i += kFour) add_rank<4>(low, rank, up + i, stride, gains_at(i), out + i);
  for (; i + kLanes <= n; i += kLanes) add_rank<1>(low, rank, up + i, stride, gains_at(i), out + i);
  for (; i < n; i++) {
    float sum = out[i];
    for (size_t r = 0; r < rank; r++) sum += low[r] * up[r * stride + i];
    out[i] = gains ? sum * gains[i] : sum;
  }
}

}  // namespace ISA

}  // namespace abstractllm::cpu
