// Sixteen rows of quantized weights, a byte for each value, in the order in which the integer kernels for many rows read
// them. Only for files built with AVX-512 VNNI and VBMI.
#pragma once

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

// Values of K that one panel takes of `w`: at most 16 groups.
inline size_t panel_depth(const QuantMatrix& w) { return w.group < 32 ? 16 * w.group : kDepth; }

}  // namespace
}  // namespace abstractllm::cpu
