// With VPDPBUSD on registers of 256 bits, for processors without AVX-512. Builds for tests take its form of AVX-512, which
// has the same result.
#include "matmul_digits_ymm.inl.h"

namespace abstractllm::cpu {
namespace {

struct VnniDot {
  static constexpr size_t kBytes = 1;
  static constexpr int kSteps = 2;
  static constexpr size_t kSums = 12;  // that the registers hold

  // Four values of each of eight columns.
  template <int bits>
  static __m256i values(const uint8_t* line, int step) {
    if constexpr (bits == 8) return load_bytes(line + static_cast<size_t>(step) * kLine);
    const __m256i nibbles = load_bytes(line);
    return _mm256_and_si256(step == 0 ? nibbles : _mm256_srli_epi16(nibbles, 4), _mm256_set1_epi8(15));
  }

  // 32 of one row, or 16 and zeros where no more are `left` in the group.
  static __m256i row_values(const uint8_t* codes, size_t left) {
    const auto half = [](const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
    const __m256i low = _mm256_zextsi128_si256(half(codes));
    return left >= 32 ? _mm256_inserti128_si256(low, half(codes + 16), 1) : low;
  }

  static __m256i add(__m256i sum, __m256i values, __m256i digits) {
#ifdef ABSTRACTLLM_STAND_INS
    return _mm256_dpbusd_epi32(sum, values, digits);
#else
    return _mm256_dpbusd_avx_epi32(sum, values, digits);
#endif
  }

  // Low bytes of 16 numbers, as signed digits; what remains above them stays in `v`.
  static void take_part(__m256i (&v)[2], int8_t* out, bool) {
    const auto low = [](__m256i n) { return _mm256_srai_epi32(_mm256_slli_epi32(n, 24), 24); };
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low(v[0]), low(v[1])), 0xd8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
    for (__m256i& part : v) part = _mm256_srai_epi32(_mm256_add_epi32(part, _mm256_set1_epi32(128)), 8);
  }
};

}  // namespace

extern constexpr DigitKernels digits_avxvnni = YmmDigits<VnniDot>::table();

}  // namespace abstractllm::cpu
