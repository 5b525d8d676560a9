// Sixteen floats in AVX-512 registers. Only for files built with its flags.
#pragma once

#include "transpose_avx512.h"
#include "vec_avx2.h"

namespace abstractllm::cpu {
namespace {

struct Avx512Vec {
  using T = __m512;
  static constexpr size_t W = 16;
  static constexpr size_t kTileRows = 14;

  static T zero() { return _mm512_setzero_ps(); }
  static T set1(float x) { return _mm512_set1_ps(x); }
  static T load(const float* p) { return _mm512_loadu_ps(p); }
  static T load(const Half* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static T load(const Bf16* p) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  static T from_u8(const uint8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static T from_e4m3(const uint8_t* p) {
    const __m256i bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    const __m256i doubled = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 1);  // the sign in the two highest bits
    const __m256i half = _mm256_and_si256(doubled, _mm256_set1_epi16(static_cast<short>(0xbfff)));
    // what a NaN carries over makes it one
    const __m256i carry = _mm256_and_si256(_mm256_add_epi16(half, _mm256_set1_epi16(0x80)), _mm256_set1_epi16(0x4000));
    return _mm512_cvtph_ps(_mm256_or_si256(half, carry));
  }
  static void store(float* p, T a) { _mm512_storeu_ps(p, a); }
  static T add(T a, T b) { return _mm512_add_ps(a, b); }
  static T fma(T a, T b, T c) { return _mm512_fmadd_ps(a, b, c); }
  static float reduce(T a) { return _mm512_reduce_add_ps(a); }

  template <int bits>
  static uint64_t spread(uint64_t stream) {
    return Avx2Vec::spread<bits>(stream);
  }
  static void unpack4(const uint8_t* src, uint8_t* dst) { Avx2Vec::unpack4(src, dst); }
  static void look_up(uint8_t* q, const uint8_t* table) { Avx2Vec::look_up(q, table); }
  static void transpose(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
    transpose_16(src, src_stride, dst, dst_stride);
  }
};

}  // namespace
}  // namespace abstractllm::cpu
