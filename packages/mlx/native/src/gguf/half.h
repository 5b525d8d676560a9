// Half-precision conversions for the GGUF kernels. Header-only, so that the compiler can inline them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace abstractllm::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF kernels read little-endian data in place");

template <typename T>
inline T load(const uint8_t* src) {
  T value;
  std::memcpy(&value, src, sizeof(T));
  return value;
}

inline float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) {  // infinity or NaN
    return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  }
  if (magnitude >= 0x0400u) {
    return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
  }
  // subnormal: an integer times 2^-24, exact
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(float(magnitude) * 0x1p-24f));
}

inline float load_half(const uint8_t* src) {
  return half_to_float(load<uint16_t>(src));
}

// half * -2^exponent. Exact, except that what overflows becomes an infinity, as when rounding to half precision.
inline uint16_t negate_and_scale(uint16_t half, int exponent) {
  const uint16_t sign = uint16_t((half & 0x8000u) ^ 0x8000u);
  uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) {
    return uint16_t(sign | magnitude);  // infinity stays, NaN stays
  }
  // subnormals double by shifting until they have a leading one
  while (exponent > 0 && magnitude < 0x0400u) {
    magnitude <<= 1;
    --exponent;
    if (magnitude == 0) {
      return sign;
    }
  }
  magnitude += uint32_t(exponent) << 10;
  return uint16_t(sign | (magnitude >= 0x7c00u ? 0x7c00u : magnitude));
}

}  // namespace abstractllm::gguf
