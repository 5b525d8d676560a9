// With SDOT, which multiplies signed bytes: weights of 8 bits are moved by 128, and the sums of digits move them back.
#include "matmul_digits_neon.inl.h"

namespace abstractllm::cpu {
namespace {

template <int count, bool is_byte>
struct DotprodSums {
  static constexpr size_t kRows = 2;
  int32x4_t sum[count][kCols] = {};
  int32x4_t digit_sum[count] = {};  // of weights of 8 bits

  void add(const uint8x16_t (&values)[kCols], const int8_t* digits, size_t stride) {
    for (size_t d = 0; d < count; d++) {
      const int8x16_t digit = vld1q_s8(digits + d * stride);
      for (size_t n = 0; n < kCols; n++) {
        const uint8x16_t moved = is_byte ? veorq_u8(values[n], vdupq_n_u8(128)) : values[n];
        sum[d][n] = vdotq_s32(sum[d][n], vreinterpretq_s8_u8(moved), digit);
      }
      if constexpr (is_byte) digit_sum[d] = vdotq_s32(digit_sum[d], digit, vdupq_n_s8(1));
    }
  }

  float32x4_t total() const {
    int32x4_t columns[count];
    for (size_t d = 0; d < count; d++) {
      columns[d] = vpaddq_s32(vpaddq_s32(sum[d][0], sum[d][1]), vpaddq_s32(sum[d][2], sum[d][3]));
      if constexpr (is_byte) columns[d] = vmlaq_n_s32(columns[d], vdupq_n_s32(vaddvq_s32(digit_sum[d])), 128);
    }
    return join_digits(columns);
  }
};

}  // namespace

extern constexpr DigitKernels digits_dotprod = NeonDigits<DotprodSums>::table();

}  // namespace abstractllm::cpu
