// Many rows of digits times quantized weights: 16 weight rows are unpacked and turned once, so that a vector holds four
// values of each, and sums of whole groups stay integers.
#include "digit_blocks_avx512vnni.h"
#include "matmul_digits.h"

namespace abstractllm::cpu {
namespace {

constexpr size_t kCols = kDigitTileCols;
// Values of K at a time: their 16 columns take 8 KiB, which leaves the first cache level to the activations.
constexpr size_t kDepth = 512;

struct Panel {
  alignas(64) uint8_t values[kDepth * kCols];  // [K / 4][16 columns][4]
  alignas(64) float scales[16 * kCols];        // [group][16 columns]
  alignas(64) float biases[16 * kCols];
};

template <int bits, bool is_fp4 = false>
void pack_values(const QuantMatrix& w, size_t n, size_t cols, size_t k0, size_t kc, uint8_t* values) {
  const size_t row_bytes = w.row_bytes();
  alignas(64) float block[kCols * 16];
  for (size_t k = 0; k < kc; k += 64) {
    const size_t byte = (k0 + k) * bits / 8;
    for (size_t i = 0; i < kCols; i++) {
      const uint8_t* from = w.w + (n + i) * row_bytes + byte;
      __m512i v = _mm512_setzero_si512();
      if (i < cols && k + 64 <= kc) {
        v = Stream<bits>::template load<true>(from, row_bytes - byte).values;
      } else if (i < cols) {
        v = Stream<bits>::template load<false>(from, row_bytes - byte).values;
      }
      _mm512_store_si512(block + i * 16, is_fp4 ? fp4_numbers(v) : v);
    }
    Avx512Vec::transpose(block, 16, reinterpret_cast<float*>(values + k * kCols), kCols);
  }
}

template <typename S>
void pack_scales(const void* source, size_t groups, size_t n, size_t cols, size_t g, size_t count, float* out) {
  alignas(64) float rows[kCols * 16];
  const __mmask16 mask = static_cast<__mmask16>((1u << count) - 1);
  for (size_t i = 0; i < kCols; i++) {
    const S* row = static_cast<const S*>(source) + (n + i) * groups + g;
    _mm512_store_ps(rows + i * 16, i < cols ? load_scales(row, mask) : _mm512_setzero_ps());
  }
  Avx512Vec::transpose(rows, 16, out, kCols);
}

template <typename S>
void pack_fp4(const QuantMatrix& w, size_t n, size_t cols, size_t k, size_t kc, Panel& panel) {
  pack_values<4, true>(w, n, cols, k, kc, panel.values);
  const size_t count = kc / w.group;
  pack_scales<S>(w.scales, w.groups(), n, cols, k / w.group, count, panel.scales);
  for (size_t g = 0; g < count * kCols; g += kCols) {
    _mm512_store_ps(panel.biases + g, fp4_biases(_mm512_load_ps(panel.scales + g)));
  }
}

template <typename S>
void pack_as(const QuantMatrix& w, size_t n, size_t cols, size_t k, size_t kc, Panel& panel) {
  switch (w.bits) {
    case 2: pack_values<2>(w, n, cols, k, kc, panel.values); break;
    case 3: pack_values<3>(w, n, cols, k, kc, panel.values); break;
    case 4: pack_values<4>(w, n, cols, k, kc, panel.values); break;
    case 5: pack_values<5>(w, n, cols, k, kc, panel.values); break;
    case 6: pack_values<6>(w, n, cols, k, kc, panel.values); break;
    case 8: pack_values<8>(w, n, cols, k, kc, panel.values); break;
  }
  pack_scales<S>(w.scales, w.groups(), n, cols, k / w.group, kc / w.group, panel.scales);
  pack_scales<S>(w.biases, w.groups(), n, cols, k / w.group, kc / w.group, panel.biases);
}

void pack(const QuantMatrix& w, size_t n, size_t cols, size_t k, size_t kc, Panel& panel) {
  if (w.coding == Coding::mxfp4) return pack_fp4<E8m0>(w, n, cols, k, kc, panel);
  if (w.coding == Coding::nvfp4) return pack_fp4<E4m3>(w, n, cols, k, kc, panel);
  switch (w.scale_type) {
    case Float::f32: return pack_as<float>(w, n, cols, k, kc, panel);
    case Float::f16: return pack_as<Half>(w, n, cols, k, kc, panel);
    case Float::bf16: return pack_as<Bf16>(w, n, cols, k, kc, panel);
  }
}

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
  const size_t depth = w.group < 32 ? 16 * w.group : kDepth;  // at most 16 groups
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

void digit_tile_avx512vnni(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t n, size_t cols,
                           float* out, size_t ldo) {
  if (x.count == 1) return all_rows<1, 8>(w, x, first, last, n, cols, out, ldo);
  if (x.count == 2) return all_rows<2, 8>(w, x, first, last, n, cols, out, ldo);
  all_rows<3, 4>(w, x, first, last, n, cols, out, ldo);
}

}  // namespace abstractllm::cpu
