// With USMMLA, which multiplies eight values of two rows of weights with eight of two digits: all four sums at once.
#include "matmul_digits_neon.inl.h"

namespace abstractllm::cpu {
namespace {

inline uint8x16_t low_halves(uint8x16_t a, uint8x16_t b) { return vcombine_u8(vget_low_u8(a), vget_low_u8(b)); }
inline uint8x16_t high_halves(uint8x16_t a, uint8x16_t b) { return vcombine_u8(vget_high_u8(a), vget_high_u8(b)); }
inline int8x16_t low_halves(int8x16_t a, int8x16_t b) { return vcombine_s8(vget_low_s8(a), vget_low_s8(b)); }
inline int8x16_t high_halves(int8x16_t a, int8x16_t b) { return vcombine_s8(vget_high_s8(a), vget_high_s8(b)); }

template <int count, bool is_byte>
struct I8mmSums {
  static constexpr size_t kRows = 4;
  static constexpr size_t kPairs = (count + 1) / 2;  // of digits; a third one has zeros beside it
  int32x4_t sum[kPairs][2] = {};                     // of two columns each: first digit, second digit, the same again

  void add(const uint8x16_t (&values)[kCols], const int8_t* digits, size_t stride) {
    for (size_t p = 0; p < kPairs; p++) {
      const int8x16_t one = vld1q_s8(digits + 2 * p * stride);
      const int8x16_t other = 2 * p + 1 < count ? vld1q_s8(digits + (2 * p + 1) * stride) : vdupq_n_s8(0);
      const int8x16_t low = low_halves(one, other), high = high_halves(one, other);
      for (size_t c = 0; c < 2; c++) {
        sum[p][c] = vusmmlaq_s32(sum[p][c], low_halves(values[2 * c], values[2 * c + 1]), low);
        sum[p][c] = vusmmlaq_s32(sum[p][c], high_halves(values[2 * c], values[2 * c + 1]), high);
      }
    }
  }

  float32x4_t total() const {
    int32x4_t columns[count];
    for (size_t d = 0; d < count; d++) {
      const int32x4_t(&pair)[2] = sum[d / 2];
      columns[d] = d % 2 == 0 ? vuzp1q_s32(pair[0], pair[1]) : vuzp2q_s32(pair[0], pair[1]);
    }
    return join_digits(columns);
  }
};

}  // namespace

extern constexpr DigitKernels digits_i8mm = NeonDigits<I8mmSums>::table();

}  // namespace abstractllm::cpu
