// Vectors of floats as wide as the instruction set that the including file is compiled for: 16 with AVX-512, 8 with
// AVX2 or where the file defines HALF_VECTORS, else 4 (SSE2, NEON). Everything has internal linkage, so that no copy made for one instruction set is linked
// into code for another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__) && !defined(HALF_VECTORS)
#define SIMD_LANES 16
#elif defined(__AVX2__)
#define SIMD_LANES 8
#else
#define SIMD_LANES 4
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

namespace abstractllm::cpu {

namespace {

constexpr int kLanes = SIMD_LANES;

typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef int32_t Ints __attribute__((vector_size(kLanes * 4)));
typedef float Quad __attribute__((vector_size(16)));

// Stored floats of 16 bits.
struct Half {
  uint16_t bits;
};
struct Bf16 {
  uint16_t bits;
};

inline Floats splat(float x) { return x - Floats{}; }

inline Floats load(const float* p) {
  Floats v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, Floats v) { std::memcpy(p, &v, sizeof v); }

// The first `n < kLanes` lanes; the others are 0 and not read.
inline Floats load_first(const float* p, size_t n) {
#if SIMD_LANES == 16
  return reinterpret_cast<Floats>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p));
#elif defined(__AVX512VL__)
  return reinterpret_cast<Floats>(_mm256_maskz_loadu_ps(static_cast<__mmask8>((1u << n) - 1), p));
#else
  Floats v{};
  for (size_t i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}

inline void store_first(float* p, Floats v, size_t n) {
#if SIMD_LANES == 16
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), reinterpret_cast<__m512>(v));
#elif defined(__AVX512VL__)
  _mm256_mask_storeu_ps(p, static_cast<__mmask8>((1u << n) - 1), reinterpret_cast<__m256>(v));
#else
  for (size_t i = 0; i < n; i++) p[i] = v[i];
#endif
}

inline Floats widen(const uint16_t* p) {  // 16-bit integers in the lanes, as bits
  typedef uint16_t Shorts __attribute__((vector_size(kLanes * 2)));
  Shorts v;
  std::memcpy(&v, p, sizeof v);
  return reinterpret_cast<Floats>(__builtin_convertvector(v, Ints));
}

inline Floats load(const Bf16* p) { return reinterpret_cast<Floats>(reinterpret_cast<Ints>(widen(&p->bits)) << 16); }

inline Floats load(const Half* p) {
#if SIMD_LANES == 16
  return reinterpret_cast<Floats>(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#elif SIMD_LANES == 8
  return reinterpret_cast<Floats>(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif defined(__aarch64__)
  return reinterpret_cast<Floats>(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&p->bits))));
#else
  // the exponent's bias differs by 112: a multiplication mends it, for subnormal numbers too
  const Ints bits = reinterpret_cast<Ints>(widen(&p->bits));
  const Ints magnitude = bits & 0x7fff;
  const Floats scaled = reinterpret_cast<Floats>(magnitude << 13) * 5.192296858534828e33f;  // 2 ** 112
  const Ints special = magnitude >= 0x7c00;  // infinity and NaN
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(scaled) | (special & 0x7f800000) | (bits & 0x8000) << 16);
#endif
}

template <typename T>
inline Floats load_first(const T* p, size_t n) {
  T padded[kLanes] = {};
  std::memcpy(padded, p, n * sizeof(T));
  return load(padded);
}

// a * b + c, rounded once where the processor can.
inline Floats multiply_add(Floats a, Floats b, Floats c) {
#if SIMD_LANES == 16
  return reinterpret_cast<Floats>(
      _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif SIMD_LANES == 8
  return reinterpret_cast<Floats>(
      _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#elif defined(__aarch64__)
  return reinterpret_cast<Floats>(vfmaq_f32(reinterpret_cast<float32x4_t>(c), reinterpret_cast<float32x4_t>(a),
                                            reinterpret_cast<float32x4_t>(b)));
#else
  return a * b + c;
#endif
}

// The larger lane; b where either is NaN.
inline Floats larger(Floats a, Floats b) {
#if SIMD_LANES == 16
  return reinterpret_cast<Floats>(_mm512_max_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif SIMD_LANES == 8
  return reinterpret_cast<Floats>(_mm256_max_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#else
  return a > b ? a : b;
#endif
}
inline Floats smaller(Floats a, Floats b) {
#if SIMD_LANES == 16
  return reinterpret_cast<Floats>(_mm512_min_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif SIMD_LANES == 8
  return reinterpret_cast<Floats>(_mm256_min_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#else
  return a < b ? a : b;
#endif
}

inline float sum_lanes(Floats v) {
#if SIMD_LANES == 16
  return _mm512_reduce_add_ps(reinterpret_cast<__m512>(v));
#elif SIMD_LANES == 8
  const __m256 all = reinterpret_cast<__m256>(v);
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
#else
  float parts[kLanes];
  std::memcpy(parts, &v, sizeof v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) parts[i] += parts[i + half];
  }
  return parts[0];
#endif
}

// The four sums over lanes: pairs are added while they are interleaved, so that all four share the folding.
inline Quad sum_lanes(Floats a, Floats b, Floats c, Floats d) {
#if SIMD_LANES == 16
  const auto pair = [](Floats x, Floats y) {
    const __m512 p = reinterpret_cast<__m512>(x), q = reinterpret_cast<__m512>(y);
    return _mm512_add_ps(_mm512_unpacklo_ps(p, q), _mm512_unpackhi_ps(p, q));
  };
  const __m512 ab = pair(a, b), cd = pair(c, d);
  const __m512 four = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(four), _mm512_extractf32x8_ps(four, 1));
  return reinterpret_cast<Quad>(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
#elif SIMD_LANES == 8
  const auto pair = [](Floats x, Floats y) {
    const __m256 p = reinterpret_cast<__m256>(x), q = reinterpret_cast<__m256>(y);
    return _mm256_add_ps(_mm256_unpacklo_ps(p, q), _mm256_unpackhi_ps(p, q));
  };
  const __m256 ab = pair(a, b), cd = pair(c, d);
  const __m256 four = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
  return reinterpret_cast<Quad>(_mm_add_ps(_mm256_castps256_ps128(four), _mm256_extractf128_ps(four, 1)));
#else
  const auto pair = [](Floats p, Floats q) {
    return __builtin_shufflevector(p, q, 0, 4, 1, 5) + __builtin_shufflevector(p, q, 2, 6, 3, 7);
  };
  const Floats ab = pair(a, b), cd = pair(c, d);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
#endif
}

inline float largest_lane(Floats v) {
#if SIMD_LANES == 16
  return _mm512_reduce_max_ps(reinterpret_cast<__m512>(v));
#elif SIMD_LANES == 8
  const __m256 all = reinterpret_cast<__m256>(v);
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
#else
  float best = v[0];
  for (int i = 1; i < kLanes; i++) best = v[i] > best ? v[i] : best;
  return best;
#endif
}

// e ** x to about 1 unit in the last place: 2 ** n times a polynomial on [-ln 2 / 2, ln 2 / 2] (minimax, relative
// error 3e-9). NaN stays NaN; overflow gives infinity and underflow 0.
inline Floats exponential(Floats x) {
  x = smaller(splat(176.0f), x);  // within both limits n / 2 fits an exponent
  x = larger(splat(-174.0f), x);
  const Floats magic = splat(12582912.0f);  // 1.5 * 2 ** 23: adding it leaves the rounded integer in the low bits
  const Floats shifted = multiply_add(x, splat(1.44269504f), magic);
  const Floats n = shifted - magic;
  Floats r = multiply_add(n, splat(-0.693359375f), x);
  r = multiply_add(n, splat(2.12194440e-4f), r);
  Floats q = splat(0.00138145985f);
  q = multiply_add(q, r, splat(0.00836871702f));
  q = multiply_add(q, r, splat(0.0416683881f));
  q = multiply_add(q, r, splat(0.166665206f));
  q = multiply_add(q, r, splat(0.499999934f));
  const Floats p = multiply_add(q, r * r, r) + 1.0f;
#if SIMD_LANES == 16
  return reinterpret_cast<Floats>(_mm512_scalef_ps(reinterpret_cast<__m512>(p), reinterpret_cast<__m512>(n)));
#elif defined(__AVX512VL__)
  return reinterpret_cast<Floats>(_mm256_scalef_ps(reinterpret_cast<__m256>(p), reinterpret_cast<__m256>(n)));
#else
  const Ints exponent = reinterpret_cast<Ints>(shifted) - 0x4b400000;
  const Ints half = exponent >> 1;
  const Ints rest = exponent - half;
  return p * reinterpret_cast<Floats>((half + 127) << 23) * reinterpret_cast<Floats>((rest + 127) << 23);
#endif
}

// tanh to about 2 units in the last place: a polynomial near 0 (minimax), 1 - 2 / (e ** 2x + 1) elsewhere.
inline Floats hyperbolic_tangent(Floats x) {
  const Floats square = x * x;
  Floats q = splat(-0.00570498419f);
  q = multiply_add(q, square, splat(0.0206390847f));
  q = multiply_add(q, square, splat(-0.0537397143f));
  q = multiply_add(q, square, splat(0.133314422f));
  q = multiply_add(q, square, splat(-0.333332819f));
  const Floats near = multiply_add(q * square, x, x);
  const Floats far = 1.0f - 2.0f / (exponential(x + x) + 1.0f);
  return square < splat(0.390625f) ? near : far;
}

}  // namespace

}  // namespace abstractllm::cpu

#pragma GCC diagnostic pop
