// The normalisation kernels, compiled once per instruction set: the including file defines ISA.
#include "norm_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

// Sum of (x - shift) ** power over a row, power 1 or 2, in four chains to hide the latency of addition.
template <int kPower>
float sum_of_powers(const float* x, size_t n, float shift) {
  const Floats s = splat(shift);
  Floats sums[4] = {};
  auto add = [&](Floats& sum, Floats v) { sum = kPower == 2 ? multiply_add(v, v, sum) : sum + v; };
  size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; j++) add(sums[j], load(x + i + j * kLanes) - s);
  }
  for (; i + kLanes <= n; i += kLanes) add(sums[0], load(x + i) - s);
  float total = sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < n; i++) total += kPower == 2 ? (x[i] - shift) * (x[i] - shift) : x[i] - shift;
  return total;
}

// out = (x - shift) * scale * weight + bias
void scale_row(const float* x, const float* weight, const float* bias, float* out, size_t n, float shift, float scale) {
  const Floats shifts = splat(shift), scales = splat(scale);
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Floats v = (load(x + i) - shifts) * scales;
    if (weight) v = v * load(weight + i);
    if (bias) v = v + load(bias + i);
    store(out + i, v);
  }
  for (; i < n; i++) {
    float v = (x[i] - shift) * scale;
    if (weight) v *= weight[i];
    out[i] = bias ? v + bias[i] : v;
  }
}

}  // namespace

namespace ISA {

void rms_norm_row(const float* x, const float* weight, float* out, size_t n, float eps) {
  const float mean_square = sum_of_powers<2>(x, n, 0) / static_cast<float>(n);
  scale_row(x, weight, nullptr, out, n, 0, 1 / __builtin_sqrtf(mean_square + eps));
}

void layer_norm_row(const float* x, const float* weight, const float* bias, float* out, size_t n, float eps) {
  const float count = static_cast<float>(n);
  const float mean = sum_of_powers<1>(x, n, 0) / count;
  const float variance = sum_of_powers<2>(x, n, mean) / count;
  scale_row(x, weight, bias, out, n, mean, 1 / __builtin_sqrtf(variance + eps));
}

}  // namespace ISA

}  // namespace abstractllm::cpu
