// With VPMADDWD, which multiplies numbers of 16 bits: two digits at once. One digit is multiplied with VPMADDUBSW, twice as
// many at once, whose sums have 16 bits: too few for weights of 8.
#include <limits>

#include "matmul_digits_ymm.inl.h"

namespace abstractllm::cpu {
namespace {

struct MaddDot {
  static constexpr size_t kBytes = 2;
  static constexpr int kSteps = 4;
  static constexpr size_t kSums = 8;  // that the registers hold

  // Two values of each of eight columns: of eight in a row, those numbered 0 and 2, then 4 and 6, 1 and 3, 5 and 7.
  template <int bits>
  static __m256i values(const uint8_t* line, int step) {
    if constexpr (bits == 4) {
      return _mm256_and_si256(_mm256_srli_epi16(load_bytes(line), 4 * step), _mm256_set1_epi16(15));
    }
    const __m256i bytes = load_bytes(line + static_cast<size_t>(step % 2) * kLine);
    return step < 2 ? _mm256_and_si256(bytes, _mm256_set1_epi16(255)) : _mm256_srli_epi16(bytes, 8);
  }

  // 16 of one row.
  static __m256i row_values(const uint8_t* codes, size_t) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
  }

  // The addition in assembly, because GCC 12 adds in another order and keeps products in memory for it.
  static __m256i add(__m256i sum, __m256i values, __m256i numbers) {
    const __m256i products = _mm256_madd_epi16(values, numbers);
    __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(products));
    return sum;
  }

  // Low halves of 16 numbers, signed, in the order of `values` or of rows; what remains above them stays in `v`.
  static void take_part(__m256i (&v)[2], int8_t* out, bool for_rows) {
    const __m256i order = for_rows ? _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7) : _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    const auto low = [&](__m256i n) {
      return _mm256_permutevar8x32_epi32(_mm256_srai_epi32(_mm256_slli_epi32(n, 16), 16), order);
    };
    store_bytes(out, _mm256_permute4x64_epi64(_mm256_packs_epi32(low(v[0]), low(v[1])), 0xd8));
    for (__m256i& part : v) part = _mm256_srai_epi32(_mm256_add_epi32(part, _mm256_set1_epi32(1 << 15)), 16);
  }
};

// `run` values are those whose products are summed in 16 bits, two in each number.
template <size_t run>
struct ByteDot {
  static constexpr size_t kBytes = 1;
  static constexpr size_t kSums = 8;  // that the registers hold
  static constexpr size_t kRun = run;

  template <int bits, size_t M>
  static void sum_group(const uint8_t* line, const int8_t* digits, size_t stride, size_t group, __m256i (&sum)[M][2][1]) {
    for (size_t k = 0; k < group; k += run, line += run / 8 * bits * kCols, digits += run) {
      __m256i part[M][2];
      sum_run<bits>(line, digits, stride, part);
      for (size_t r = 0; r < M; r++) {
        for (size_t h = 0; h < 2; h++) {
          const __m256i wide = _mm256_madd_epi16(part[r][h], _mm256_set1_epi16(1));
          sum[r][h][0] = k == 0 ? wide : _mm256_add_epi32(sum[r][h][0], wide);
        }
      }
    }
  }

  template <int bits, size_t M>
  static void sum_run(const uint8_t* line, const int8_t* digits, size_t stride, __m256i (&sum)[M][2]) {
#pragma GCC unroll 8
    for (int step = 0; step < static_cast<int>(run) / 4; step++) {
      const uint8_t* at = line + static_cast<size_t>(step / 2) * bits * kCols;
      const __m256i values[2] = {bytes_of_line<bits>(at, step % 2), bytes_of_line<bits>(at + kLine / 2, step % 2)};
#pragma GCC unroll 8
      for (size_t r = 0; r < M; r++) {
        const __m256i four = four_bytes(digits + r * stride + 4 * step);
        for (size_t h = 0; h < 2; h++) {
          const __m256i products = _mm256_maddubs_epi16(values[h], four);
          // in assembly as above
          if (step == 0) sum[r][h] = products;
          else __asm__("vpaddw %1, %0, %0" : "+x"(sum[r][h]) : "x"(products));
        }
      }
    }
  }
};

using Words = YmmDigits<MaddDot>;
template <size_t run>
using Bytes = YmmDigits<ByteDot<run>>;

constexpr int kLargestDigit = 127;

constexpr bool fits(size_t run, int largest_weight) {
  return static_cast<int>(run / 2) * largest_weight * kLargestDigit <= std::numeric_limits<int16_t>::max();
}
static_assert(fits(32, 15) && fits(16, 31) && fits(16, 2 * kFp4Offset) && fits(8, 63));

bool takes_one_digit(const QuantMatrix& w) { return w.bits < 8; }

// Calls f.template operator()<run>() for weights of which so many can be summed.
template <typename F>
void with_run(const QuantMatrix& w, F&& f) {
  if (w.coding == Coding::affine && w.bits <= 4) return f.template operator()<32>();
  if (w.bits < 6) return f.template operator()<16>();
  f.template operator()<8>();
}

void quantize_row(const float* x, const QuantMatrix& w, const DigitRows& layout, size_t first, size_t last, int8_t* digits,
                  float* scales, float* sums) {
  const auto quantize = layout.count == 1 ? Bytes<32>::quantize_row : Words::quantize_row;
  quantize(x, w, layout, first, last, digits, scales, sums);
}

void tile(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end, float* out,
          size_t ldo) {
  if (x.count > 1) return Words::tile(w, x, first, last, begin, end, out, ldo);
  with_run(w, [&]<size_t run>() { Bytes<run>::tile(w, x, first, last, begin, end, out, ldo); });
}

void packed_tiles(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                  const ProductRows& to) {
  (x.count == 1 ? Bytes<32>::packed_tiles : Words::packed_tiles)(w, x, first, last, begin, end, to);
}

}  // namespace

extern constexpr DigitKernels digits_avx2 = {1, 1, MaddDot::kBytes, quantize_row, Words::rows, tile, packed_tiles, takes_one_digit};

}  // namespace abstractllm::cpu
