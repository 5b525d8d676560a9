// Many rows of digits times quantized weights: 16 weight rows are unpacked and turned once, so that a vector holds four
// values of each, and sums of whole groups stay integers.
#include "digit_panel_avx512vnni.h"

namespace abstractllm::cpu {
namespace {

// Adds the products of four values of each column with four digits of x. In assembly, because GCC 12 copies every sum
// twice around the intrinsic and loads the digits apart: 8 % slower.
inline void add_dot(__m512i& sum, __m512i values, const int8_t* digits) {
  struct Four {
    int8_t digit[4];
  };
  __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(values), "m"(*reinterpret_cast<const Four*>(digits)));
}

// M rows of x from `m` on, values [k, k + kc) of K.
template <int count, size_t M>
void rows_of(const QuantMatrix& w, const DigitRows& x, const Panel& panel, size_t m, size_t k, size_t kc, float* out,
             size_t ldo, __mmask16 mask) {
  __m512 acc[M];
#pragma GCC unroll 8
  for (size_t r = 0; r < M; r++) acc[r] = k == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, out + r * ldo);
  const size_t stride = x.padded_K;
  for (size_t g = 0; g < kc / w.group; g++) {
    const uint8_t* values = panel.values + g * w.group * kCols;
    const int8_t* digits = x.digits + m * count * stride + k + g * w.group;
    __m512i sum[M][count];
#pragma GCC unroll 8
    for (size_t r = 0; r < M; r++)
      for (int d = 0; d < count; d++) sum[r][d] = _mm512_setzero_si512();
    for (size_t i = 0; i < w.group; i += 4) {
      const __m512i v = _mm512_load_si512(values + i * kCols);
#pragma GCC unroll 8
      for (size_t r = 0; r < M; r++)
#pragma GCC unroll 3
        for (int d = 0; d < count; d++) {
          add_dot(sum[r][d], v, digits + (r * count + static_cast<size_t>(d)) * stride + i);
        }
    }
    const __m512 scale = _mm512_load_ps(panel.scales + g * kCols), bias = _mm512_load_ps(panel.biases + g * kCols);
    const size_t at = m * x.padded_groups + k / w.group + g;
#pragma GCC unroll 8
    for (size_t r = 0; r < M; r++) {
      const __m512 p = join_digits(sum[r]);
      const __m512 x_scale = _mm512_set1_ps(x.scales[at + r * x.padded_groups]);
      acc[r] = _mm512_fmadd_ps(_mm512_mul_ps(p, x_scale), scale, acc[r]);
      acc[r] = _mm512_fmadd_ps(bias, _mm512_set1_ps(x.sums[at + r * x.padded_groups]), acc[r]);
    }
  }
#pragma GCC unroll 8
  for (size_t r = 0; r < M; r++) _mm512_mask_storeu_ps(out + r * ldo, mask, acc[r]);
}

template <int count, size_t most>
void all_rows(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t n, size_t cols, float* out,
              size_t ldo) {
  Panel panel;
  const __mmask16 mask = static_cast<__mmask16>((1u << cols) - 1);
  const size_t depth = panel_depth(w);
  for (size_t k = 0; k < w.K; k += depth) {
    const size_t kc = w.K - k < depth ? w.K - k : depth;
    pack(w, n, cols, k, kc, panel);
    size_t m = first;
    for (; m + most <= last; m += most) rows_of<count, most>(w, x, panel, m, k, kc, out + m * ldo + n, ldo, mask);
    if constexpr (most > 4) {
      for (; m + 4 <= last; m += 4) rows_of<count, 4>(w, x, panel, m, k, kc, out + m * ldo + n, ldo, mask);
    }
    for (; m + 2 <= last; m += 2) rows_of<count, 2>(w, x, panel, m, k, kc, out + m * ldo + n, ldo, mask);
    for (; m < last; m++) rows_of<count, 1>(w, x, panel, m, k, kc, out + m * ldo + n, ldo, mask);
  }
}

}  // namespace

void digit_tile_avx512vnni(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                           float* out, size_t ldo) {
  for (size_t n = begin; n < end; n += kCols) {
    const size_t cols = end - n < kCols ? end - n : kCols;
    if (x.count == 1) all_rows<1, 8>(w, x, first, last, n, cols, out, ldo);
    else if (x.count == 2) all_rows<2, 8>(w, x, first, last, n, cols, out, ldo);
    else all_rows<3, 4>(w, x, first, last, n, cols, out, ldo);
  }
}

}  // namespace abstractllm::cpu
