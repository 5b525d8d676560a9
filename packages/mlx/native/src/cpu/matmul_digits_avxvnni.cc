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
    return bytes_of_line<bits>(line, step);
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
};

constexpr DigitKernels with_one_digit() {
  DigitKernels kernels = YmmDigits<VnniDot>::table();
  kernels.takes_one_digit = always_one_digit;
  return kernels;
}

}  // namespace

extern constexpr DigitKernels digits_avxvnni = with_one_digit();

}  // namespace abstractllm::cpu
