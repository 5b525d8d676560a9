// Loads of quantized weights for the integer kernels. Only for files built with AVX-512 VNNI and VBMI.
#pragma once

#include "vec_avx512.h"

namespace abstractllm::cpu {
namespace {

inline __m512 load_scales(const float* p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
inline __m512 load_scales(const Half* p, __mmask16 mask) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p)); }
inline __m512 load_scales(const Bf16* p, __mmask16 mask) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p)), 16));
}

// Of floats of 4 bits, whose numbers are doubled.
inline __m512 load_scales(const E8m0* p, __mmask16 mask) {
  const __m512i exponents = _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, p)), 23);
  const __m512i least = _mm512_maskz_set1_epi32(mask, 0x400000);  // as to_float(E8m0) has it
  return _mm512_mul_ps(_mm512_castsi512_ps(_mm512_max_epu32(exponents, least)), _mm512_set1_ps(0.5f));
}
inline __m512 load_scales(const E4m3* p, __mmask16 mask) {
  alignas(16) uint8_t bytes[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(bytes), _mm_maskz_loadu_epi8(mask, p));
  return _mm512_mul_ps(Avx512Vec::from_e4m3(bytes), _mm512_set1_ps(kE4m3Unit / 2));
}

inline __m512 fp4_biases(__m512 scales) { return _mm512_mul_ps(scales, _mm512_set1_ps(-kFp4Offset)); }

// What is added to each number of a group after scaling. Scales of a byte belong to floats of 4 bits.
template <typename S>
inline __m512 load_biases(const S* p, __mmask16 mask, __m512 scales) {
  if constexpr (sizeof(S) == 1) return fp4_biases(scales);
  else return load_scales(p, mask);
}

// Nibbles as the numbers that stand for them in a matrix of floats.
inline __m512i fp4_numbers(__m512i nibbles) {
  const __m128i table = _mm_load_si128(reinterpret_cast<const __m128i*>(kFp4Numbers));
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), nibbles);
}

inline __mmask64 first_bytes(size_t count) { return count >= 64 ? ~0ull : (1ull << count) - 1; }

// Sums of products with digits, the lowest first, as sums of products with the numbers they make. Two digits fit: at most
// 128 * 255 * 32639 stays below 2^31. Shifts and additions of integers leave the multipliers to the products.
template <int count>
inline __m512 join_digits(const __m512i (&sum)[count]) {
  if constexpr (count == 2) return _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(sum[1], 8), sum[0]));
  __m512 p = _mm512_cvtepi32_ps(sum[count - 1]);
  for (int d = count - 2; d >= 0; d--) p = _mm512_fmadd_ps(p, _mm512_set1_ps(256), _mm512_cvtepi32_ps(sum[d]));
  return p;
}

// A block of 64 weights of any width: each 64-bit lane gets the bytes of its eight numbers, shifted apart.
template <int bits>
struct Stream {
  static constexpr size_t kBlock = 64;
  static constexpr int kBits = bits;
  __m512i values;

  struct Tables {
    alignas(64) uint8_t bytes[64];
    alignas(64) uint8_t shifts[64];
    constexpr Tables() : bytes{}, shifts{} {
      for (int i = 0; i < 64; i++) {
        const int byte = i / 8 * bits + i % 8;
        bytes[i] = static_cast<uint8_t>(byte < 64 ? byte : 63);
        shifts[i] = static_cast<uint8_t>(i % 8 * bits);
      }
    }
  };
  static constexpr Tables tables{};

  template <bool whole>
  static Stream load(const uint8_t* p, size_t bytes) {
    const __m512i packed = load_packed<whole>(p, bytes);
    if constexpr (bits == 8) return {packed};
    const __m512i spread = _mm512_permutexvar_epi8(_mm512_load_si512(tables.bytes), packed);
    const __m512i shifted = _mm512_multishift_epi64_epi8(_mm512_load_si512(tables.shifts), spread);
    return {_mm512_and_si512(shifted, _mm512_set1_epi8(static_cast<char>((1 << bits) - 1)))};
  }
  template <size_t N>
  static void dot(__m512i (&sum)[N], const Stream (&w)[N], const int8_t* digits) {
    const __m512i d = _mm512_loadu_si512(digits);
    for (size_t n = 0; n < N; n++) sum[n] = _mm512_dpbusd_epi32(sum[n], w[n].values, d);
  }

 private:
  template <bool whole>
  static __m512i load_packed(const uint8_t* p, size_t bytes) {
    constexpr size_t kBytes = 8 * bits;
    if constexpr (whole && bits == 8) return _mm512_loadu_si512(p);
    if constexpr (whole && bits == 4) return _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_maskz_loadu_epi8(first_bytes(bytes < kBytes ? bytes : kBytes), p);
  }
};

}  // namespace
}  // namespace abstractllm::cpu
