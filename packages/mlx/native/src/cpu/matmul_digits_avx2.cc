// With VPMADDWD, which multiplies numbers of 16 bits: two digits at once. VPMADDUBSW would take digits apart, and has no
// room for sums of weights of 8 bits.
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

}  // namespace

extern constexpr DigitKernels digits_avx2 = YmmDigits<MaddDot>::table();

}  // namespace abstractllm::cpu
