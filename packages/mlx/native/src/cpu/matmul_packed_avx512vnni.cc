// Products with packed weights (packed_matrix.h): a vector holds four values of each of a tile's 16 rows, and the sums of
// whole groups stay integers.
#include "digit_blocks_avx512vnni.h"
#include "packed_matrix.h"

namespace abstractllm::cpu {
namespace {

// How far ahead of its use memory is asked for.
constexpr size_t kAheadBytes = 2048;

// Adds the products of four values of each row with four digits of x. In assembly, because GCC 12 copies every sum twice
// around the intrinsic and loads the digits apart.
inline void add_dot(__m512i& sum, __m512i values, const int8_t* digits) {
  struct Four {
    int8_t digit[4];
  };
  __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(values), "m"(*reinterpret_cast<const Four*>(digits)));
}

// The integer sums of one group of one tile for M rows of x.
template <int bits, int count, size_t M>
inline void add_group(const uint8_t* w, size_t group, const int8_t* digits, size_t stride, __m512i (&sum)[M][count]) {
  constexpr size_t kValues = 32 / bits;  // of each row in a line
  const __m512i mask = _mm512_set1_epi8(15);
  for (size_t k = 0; k < group; k += kValues, w += 64) {
    const __m512i line = _mm512_loadu_si512(w);
    _mm_prefetch(reinterpret_cast<const char*>(w + kAheadBytes), _MM_HINT_T0);
    const __m512i low = bits == 8 ? line : _mm512_and_si512(line, mask);
    const __m512i high = bits == 8 ? line : _mm512_and_si512(_mm512_srli_epi16(line, 4), mask);
#pragma GCC unroll 8
    for (size_t m = 0; m < M; m++)
#pragma GCC unroll 3
      for (int d = 0; d < count; d++) {
        const int8_t* at = digits + (m * count + static_cast<size_t>(d)) * stride + k;
        add_dot(sum[m][d], low, at);
        if constexpr (bits == 4) add_dot(sum[m][d], high, at + 4);
      }
  }
}

// M rows of x from `m` on, of which `wanted` get a result, and one tile of weights.
template <int bits, typename S, int count, size_t M>
void tile(const QuantMatrix& w, const uint8_t* data, const DigitRows& x, size_t m, const ProductRows& to, size_t wanted = M) {
  const size_t stride = x.padded_K, groups = w.groups(), line_bytes = w.group * kPackedTile * bits / 8;
  const int8_t* digits = x.digits + m * count * stride;
  const float* scales = x.scales + m * x.padded_groups;
  const float* sums = x.sums + m * x.padded_groups;
  __m512 acc[M];
#pragma GCC unroll 8
  for (size_t r = 0; r < M; r++) acc[r] = _mm512_setzero_ps();
  for (size_t g = 0; g < groups; g++) {
    __m512i sum[M][count];
#pragma GCC unroll 8
    for (size_t r = 0; r < M; r++)
      for (int d = 0; d < count; d++) sum[r][d] = _mm512_setzero_si512();
    add_group<bits, count, M>(data, w.group, digits + g * w.group, stride, sum);
    const S* w_scales = reinterpret_cast<const S*>(data + line_bytes);
    const __m512 scale = load_scales(w_scales, 0xffff), bias = load_scales(w_scales + kPackedTile, 0xffff);
    data += line_bytes + 2 * kPackedTile * sizeof(S);
#pragma GCC unroll 8
    for (size_t r = 0; r < M; r++) {
      const __m512 p = join_digits(sum[r]);
      acc[r] = _mm512_fmadd_ps(_mm512_mul_ps(p, _mm512_set1_ps(scales[r * x.padded_groups + g])), scale, acc[r]);
      acc[r] = _mm512_fmadd_ps(bias, _mm512_set1_ps(sums[r * x.padded_groups + g]), acc[r]);
    }
  }
#pragma GCC unroll 8
  for (size_t r = 0; r < M; r++) {
    if (r >= wanted) continue;
    const ProductRows at = to.at(r, 0);
    _mm512_storeu_ps(at.out, at.addend ? _mm512_add_ps(acc[r], _mm512_loadu_ps(at.addend)) : acc[r]);
  }
}

template <int bits, typename S, int count>
void tiles_of(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
              const ProductRows& to) {
  constexpr size_t kMost = count == 3 ? 6 : 8;  // what the registers hold sums of
  const size_t bytes = packed_tile_bytes(w);
  for (size_t t = begin; t < end; t++) {
    const uint8_t* data = w.w + t * bytes;
    const size_t n = t * kPackedTile;
    size_t m = first;
    for (; m + kMost <= last; m += kMost) tile<bits, S, count, kMost>(w, data, x, m, to.at(m, n));
    // one digit is for many rows, where reading weights once more takes longer than what nobody wants
    if (count == 1 && last - m > 4) tile<bits, S, count, kMost>(w, data, x, m, to.at(m, n), last - m), m = last;
    if (m + 4 <= last) tile<bits, S, count, 4>(w, data, x, m, to.at(m, n)), m += 4;
    if (m + 2 <= last) tile<bits, S, count, 2>(w, data, x, m, to.at(m, n)), m += 2;
    if (m < last) tile<bits, S, count, 1>(w, data, x, m, to.at(m, n));
  }
}

template <int bits, typename S>
void tiles_with(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                const ProductRows& to) {
  if (x.count == 1) return tiles_of<bits, S, 1>(w, x, first, last, begin, end, to);
  if (x.count == 2) return tiles_of<bits, S, 2>(w, x, first, last, begin, end, to);
  tiles_of<bits, S, 3>(w, x, first, last, begin, end, to);
}

template <int bits>
void tiles_as(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
              const ProductRows& to) {
  switch (w.scale_type) {
    case Float::f32: return tiles_with<bits, float>(w, x, first, last, begin, end, to);
    case Float::f16: return tiles_with<bits, Half>(w, x, first, last, begin, end, to);
    case Float::bf16: return tiles_with<bits, Bf16>(w, x, first, last, begin, end, to);
  }
}

}  // namespace

void packed_tiles_avx512vnni(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                             const ProductRows& to) {
  if (w.bits == 4) return tiles_as<4>(w, x, first, last, begin, end, to);
  tiles_as<8>(w, x, first, last, begin, end, to);
}

}  // namespace abstractllm::cpu
