// Four floats in plain C++: the reference, and what other processors run.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace abstractllm::cpu {
namespace {

struct Half {
  uint16_t bits;
};
struct Bf16 {
  uint16_t bits;
};
// A power of two: the exponent of an f32.
struct E8m0 {
  uint8_t bits;
};
// A sign, four bits of exponent and three of mantissa.
struct E4m3 {
  uint8_t bits;
};

inline float to_float(float v) { return v; }
inline float to_float(Bf16 v) { return std::bit_cast<float>(static_cast<uint32_t>(v.bits) << 16); }
inline float to_float(Half v) {
  const uint32_t sign = (v.bits & 0x8000u) << 16, magnitude = v.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude >= 0x0400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24f));
}

inline float to_float(E8m0 v) {
  return std::bit_cast<float>(v.bits == 0 ? 0x400000u : static_cast<uint32_t>(v.bits) << 23);
}
// As a half-precision number it is 256 times smaller; the one NaN is all ones.
constexpr float kE4m3Unit = 256;
inline Half to_half(E4m3 v) {
  const unsigned magnitude = v.bits & 127u;
  return {static_cast<uint16_t>((v.bits & 128u) << 8 | magnitude << 7 | (magnitude == 127 ? 0x4000u : 0))};
}
inline float to_float(E4m3 v) { return to_float(to_half(v)) * kE4m3Unit; }

// Floats of 4 bits (e2m1) are 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives: doubled and 12 added, no number is negative.
constexpr int kFp4Offset = 12;
alignas(16) constexpr uint8_t kFp4Numbers[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

struct ScalarVec {
  struct T {
    float v[4];
  };
  static constexpr size_t W = 4;
  static constexpr size_t kTileRows = 4;

  static T zero() { return T{}; }
  static T set1(float x) { return {{x, x, x, x}}; }
  template <typename S>
  static T load(const S* p) {
    return {{to_float(p[0]), to_float(p[1]), to_float(p[2]), to_float(p[3])}};
  }
  static T from_u8(const uint8_t* p) {
    return {{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])}};
  }
  // Numbers of 8 bits in units of kE4m3Unit.
  static T from_e4m3(const uint8_t* p) {
    T out;
    for (size_t i = 0; i < W; i++) out.v[i] = to_float(to_half(E4m3{p[i]}));
    return out;
  }
  static void store(float* p, T a) { std::memcpy(p, a.v, sizeof a.v); }
  static T add(T a, T b) {
    for (size_t i = 0; i < W; i++) a.v[i] += b.v[i];
    return a;
  }
  static T fma(T a, T b, T c) {
    for (size_t i = 0; i < W; i++) c.v[i] += a.v[i] * b.v[i];
    return c;
  }
  static float reduce(T a) { return (a.v[0] + a.v[1]) + (a.v[2] + a.v[3]); }

  // Eight `bits`-bit numbers from the low end of `stream`, one per byte.
  template <int bits>
  static uint64_t spread(uint64_t stream) {
    uint64_t out = 0;
    for (int i = 0; i < 8; i++) out |= (stream >> (i * bits) & ((1u << bits) - 1)) << (8 * i);
    return out;
  }
  static void unpack4(const uint8_t* src, uint8_t* dst) {
    for (size_t i = 0; i < 16; i++) {
      dst[2 * i] = src[i] & 15;
      dst[2 * i + 1] = src[i] >> 4;
    }
  }
  // Replaces 16 numbers below 16 by what a table has for them.
  static void look_up(uint8_t* q, const uint8_t* table) {
    for (size_t i = 0; i < 16; i++) q[i] = table[q[i]];
  }
  // dst[j][i] = src[i][j] for a W x W block.
  static void transpose(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
    for (size_t i = 0; i < W; i++)
      for (size_t j = 0; j < W; j++) dst[j * dst_stride + i] = src[i * src_stride + j];
  }
};

}  // namespace
}  // namespace abstractllm::cpu
