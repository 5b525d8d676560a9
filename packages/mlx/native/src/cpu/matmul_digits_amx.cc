// Many rows of digits times quantized weights, with the tile registers of AMX: one instruction multiplies 64 digits of 16
// rows with the weights of 16 columns. Sums of whole groups stay integers, as in the kernels of AVX-512.
#include "digit_panel_avx512vnni.h"
#include "packed_matrix.h"
#include "tile_registers.h"

namespace abstractllm::cpu {
namespace {

constexpr size_t kRows = 16;
// Columns that share a pass over the digits, in panels: what they hold stays in the second cache level, and digits, of which
// there are more, come from further away only once for all of them.
constexpr size_t kPanels = 8;
// Values of K in a row of a tile.
constexpr size_t kTileDepth = 64;

// Registers. Sums of two groups, of each digit: one group is multiplied while the other's sums are scaled.
constexpr int kWeightTile = 7;
template <int count>
constexpr int digit_tile(int digit) {
  return count == 3 ? 6 : 4 + digit;
}
template <int count>
constexpr int sum_tile(int set, int digit) {
  return set * count + digit;
}

template <int count>
TileShapes shapes_for(size_t group) {
  const size_t depth = group < kTileDepth ? group : kTileDepth;
  TileShapes shapes;
  auto set = [&](int tile, size_t rows, size_t row_bytes) {
    shapes.rows[tile] = static_cast<uint8_t>(rows);
    shapes.row_bytes[tile] = static_cast<uint16_t>(row_bytes);
  };
  for (int d = 0; d < count; d++) {
    for (int s = 0; s < 2; s++) set(sum_tile<count>(s, d), kRows, kCols * sizeof(int32_t));
    set(digit_tile<count>(d), kRows, depth);
  }
  set(kWeightTile, depth / 4, kCols * 4);
  return shapes;
}

template <int count>
struct Sums {
  alignas(64) int32_t values[count][kRows][kCols];
};

// Calls f.template operator()<digit>() for each digit.
template <int count, int digit = 0, typename F>
inline void for_each_digit(F&& f) {
  f.template operator()<digit>();
  if constexpr (digit + 1 < count) for_each_digit<count, digit + 1>(f);
}

// One group of 16 rows, whose digits lie `stride` apart.
template <int count, int set>
inline void multiply_group(const uint8_t* values, const int8_t* digits, size_t stride, size_t group, Sums<count>& sums) {
  for_each_digit<count>([&]<int d>() { zero_tile<sum_tile<count>(set, d)>(); });
  for (size_t k = 0; k < group; k += kTileDepth) {
    load_tile<kWeightTile>(values + k * kCols, kCols * 4);
    for_each_digit<count>([&]<int d>() {
      load_tile<digit_tile<count>(d)>(digits + d * stride + k, count * stride);
      multiply_tiles<sum_tile<count>(set, d), digit_tile<count>(d), kWeightTile>();
    });
  }
  for_each_digit<count>([&]<int d>() { store_tile<sum_tile<count>(set, d)>(sums.values[d], kCols * sizeof(int32_t)); });
}

// 16 rows of x from `m` on, the groups that `panel` has from value `k` of K on.
template <int count>
void rows_of(const QuantMatrix& w, const DigitRows& x, const Panel& panel, size_t m, size_t k, size_t groups, float* out,
             size_t ldo, __mmask16 mask) {
  const size_t group = w.group, stride = x.padded_K;
  const int8_t* digits = x.digits + m * count * stride + k;
  Sums<count> sums[2];
  auto multiply = [&]<int set>(size_t g) {
    multiply_group<count, set>(panel.values + g * group * kCols, digits + g * group, stride, group, sums[set]);
  };
  __m512 acc[kRows];
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; r++) acc[r] = k == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, out + r * ldo);
  auto scale = [&](const Sums<count>& from, size_t g) {
    const __m512 w_scale = _mm512_load_ps(panel.scales + g * kCols), bias = _mm512_load_ps(panel.biases + g * kCols);
    const size_t at = m * x.padded_groups + k / group + g;
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; r++) {
      __m512i sum[count];
      for (int d = 0; d < count; d++) sum[d] = _mm512_load_si512(from.values[d][r]);
      const __m512 x_scale = _mm512_set1_ps(x.scales[at + r * x.padded_groups]);
      acc[r] = _mm512_fmadd_ps(_mm512_mul_ps(join_digits(sum), x_scale), w_scale, acc[r]);
      acc[r] = _mm512_fmadd_ps(bias, _mm512_set1_ps(x.sums[at + r * x.padded_groups]), acc[r]);
    }
  };
  multiply.template operator()<0>(0);
  for (size_t g = 0; g < groups; g += 2) {
    if (g + 1 < groups) multiply.template operator()<1>(g + 1);
    scale(sums[0], g);
    if (g + 1 == groups) break;
    if (g + 2 < groups) multiply.template operator()<0>(g + 2);
    scale(sums[1], g + 1);
  }
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; r++) _mm512_mask_storeu_ps(out + r * ldo, mask, acc[r]);
}

// Blocks of 16 rows from `first` on, as many as there are before `last`. `fill(n, cols, k, kc, panel)` brings weights.
// Returns where the rows begin that are left.
template <int count, typename Fill>
size_t blocks_of(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end, float* out,
                 size_t ldo, Fill&& fill) {
  const size_t end_of_blocks = first + (last - first) / kRows * kRows;
  if (end_of_blocks == first) return first;
  configure_tiles(shapes_for<count>(w.group));
  Panel panels[kPanels];
  const size_t depth = panel_depth(w);
  for (size_t n0 = begin; n0 < end; n0 += kPanels * kCols) {
    const size_t n1 = end - n0 < kPanels * kCols ? end : n0 + kPanels * kCols;
    for (size_t k = 0; k < w.K; k += depth) {
      const size_t kc = w.K - k < depth ? w.K - k : depth;
      auto for_each_panel = [&](auto&& use) {
        for (size_t n = n0, i = 0; n < n1; n += kCols, i++) use(n, n1 - n < kCols ? n1 - n : kCols, panels[i]);
      };
      for_each_panel([&](size_t n, size_t cols, Panel& panel) { fill(n, cols, k, kc, panel); });
      for (size_t m = first; m < end_of_blocks; m += kRows) {
        for_each_panel([&](size_t n, size_t cols, Panel& panel) {
          const __mmask16 mask = static_cast<__mmask16>((1u << cols) - 1);
          rows_of<count>(w, x, panel, m, k, kc / w.group, out + m * ldo + n, ldo, mask);
        });
      }
    }
  }
  release_tiles();
  return end_of_blocks;
}

template <typename Fill>
size_t all_blocks(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end, float* out,
                  size_t ldo, Fill&& fill) {
  switch (x.count) {
    case 1: return blocks_of<1>(w, x, first, last, begin, end, out, ldo, fill);
    case 2: return blocks_of<2>(w, x, first, last, begin, end, out, ldo, fill);
    default: return blocks_of<3>(w, x, first, last, begin, end, out, ldo, fill);
  }
}

// Values [k, k + kc) of one tile of packed weights.
template <typename S>
void unpack(const QuantMatrix& w, size_t tile, size_t k, size_t kc, Panel& panel) {
  const size_t line_bytes = w.group * kPackedTile * static_cast<size_t>(w.bits) / 8;
  const size_t group_bytes = line_bytes + 2 * kPackedTile * sizeof(S);
  const uint8_t* from = w.w + tile * packed_tile_bytes(w) + k / w.group * group_bytes;
  const __m512i mask = _mm512_set1_epi8(15);
  uint8_t* to = panel.values;
  for (size_t g = 0; g < kc / w.group; g++, from += group_bytes) {
    for (size_t i = 0; i < line_bytes; i += 64) {
      const __m512i line = _mm512_loadu_si512(from + i);
      _mm512_store_si512(to, w.bits == 8 ? line : _mm512_and_si512(line, mask)), to += 64;
      if (w.bits == 4) _mm512_store_si512(to, _mm512_and_si512(_mm512_srli_epi16(line, 4), mask)), to += 64;
    }
    const S* scales = reinterpret_cast<const S*>(from + line_bytes);
    _mm512_store_ps(panel.scales + g * kCols, load_scales(scales, 0xffff));
    _mm512_store_ps(panel.biases + g * kCols, load_scales(scales + kPackedTile, 0xffff));
  }
}

}  // namespace

void digit_tile_amx(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                    float* out, size_t ldo) {
  const size_t left = all_blocks(
      w, x, first, last, begin, end, out, ldo,
      [&](size_t n, size_t cols, size_t k, size_t kc, Panel& panel) { pack(w, n, cols, k, kc, panel); });
  if (left < last) digit_tile_avx512vnni(w, x, left, last, begin, end, out, ldo);
}

void packed_tiles_amx(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                      const ProductRows& to) {
  const size_t left = all_blocks(w, x, first, last, begin * kPackedTile, end * kPackedTile, to.out, to.ld,
                                 [&](size_t n, size_t, size_t k, size_t kc, Panel& panel) {
                                   const size_t tile = n / kPackedTile;
                                   switch (w.scale_type) {
                                     case Float::f32: return unpack<float>(w, tile, k, kc, panel);
                                     case Float::f16: return unpack<Half>(w, tile, k, kc, panel);
                                     case Float::bf16: return unpack<Bf16>(w, tile, k, kc, panel);
                                   }
                                 });
  add_addend(to, first, left, begin * kPackedTile, end * kPackedTile);
  if (left < last) packed_tiles_avx512vnni(w, x, left, last, begin, end, to);
}

}  // namespace abstractllm::cpu
