// Whole numbers of a few bits as floats in the lanes of a vector. Only for kernels.
#pragma once

#include "cache_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

// kLanes bytes as integers.
inline Ints widen_bytes(const uint8_t* p) {
#if SIMD_LANES == 16
  return reinterpret_cast<Ints>(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif SIMD_LANES == 8
  return reinterpret_cast<Ints>(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#elif defined(__aarch64__)
  uint32_t four;
  std::memcpy(&four, p, sizeof four);
  return reinterpret_cast<Ints>(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))))));
#else
  return Ints{p[0], p[1], p[2], p[3]};
#endif
}

// Place i of every lane, times `step`, modulo `period`.
inline Ints lane_places(int step, int period) {
  Ints places;
  for (int i = 0; i < kLanes; i++) places[i] = i % period * step;
  return places;
}

// kLanes numbers of kBits from place `i` on, a multiple of kLanes.
template <int kBits>
Floats unpack(const uint8_t* numbers, int i) {
  const uint8_t* p = numbers + i * kBits / 8;
  if constexpr (kBits == 8) {
    return __builtin_convertvector(widen_bytes(p), Floats);
  } else {
    constexpr int kPerWord = 32 / kBits, kBytes = kLanes * kBits / 8;
    uint32_t word = 0;
    std::memcpy(&word, p, kBytes < 4 ? kBytes : 4);
    Ints words = static_cast<int32_t>(word) - Ints{};
#if SIMD_LANES == 16
    if constexpr (kBytes > 4) {
      std::memcpy(&word, p + 4, 4);
      words = reinterpret_cast<Ints>(
          _mm512_mask_set1_epi32(reinterpret_cast<__m512i>(words), 0xff00, static_cast<int32_t>(word)));
    }
    // a lookup reads the four lowest bits of a lane
    const Floats worth = __builtin_convertvector(lane_places(1, 1 << kBits), Floats);
    const Ints shifted = words >> lane_places(kBits, kPerWord);
    return reinterpret_cast<Floats>(
        _mm512_permutexvar_ps(reinterpret_cast<__m512i>(shifted), reinterpret_cast<__m512>(worth)));
#else
    return __builtin_convertvector(words >> lane_places(kBits, kPerWord) & ((1 << kBits) - 1), Floats);
#endif
  }
}

// Scale or bias `i` of a row, which lie behind its numbers.
inline float scale_at(const uint8_t* scales, int i, bool is_half) {
  if (is_half) {
    Half half;
    std::memcpy(&half, scales + 2 * i, sizeof half);
#if defined(__AVX2__)
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half.bits)));
#else
    return load_first(&half, 1)[0];
#endif
  }
  float scale;
  std::memcpy(&scale, scales + 4 * i, sizeof scale);
  return scale;
}

}  // namespace

}  // namespace abstractllm::cpu
