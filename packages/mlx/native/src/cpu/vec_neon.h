// Four floats in a NEON register. Only for files built for arm64.
#pragma once

#include <arm_neon.h>

#include "vec_scalar.h"

namespace abstractllm::cpu {
namespace {

struct NeonVec {
  using T = float32x4_t;
  static constexpr size_t W = 4;
  static constexpr size_t kTileRows = 8;

  static T zero() { return vdupq_n_f32(0); }
  static T set1(float x) { return vdupq_n_f32(x); }
  static T load(const float* p) { return vld1q_f32(p); }
  static T load(const Half* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&p->bits))); }
  static T load(const Bf16* p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&p->bits), 16)); }
  static T from_u8(const uint8_t* p) {
    uint32_t four;
    std::memcpy(&four, p, sizeof four);
    const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
  }
  static T from_e4m3(const uint8_t* p) {
    uint32_t four;
    std::memcpy(&four, p, sizeof four);
    const uint16x4_t bytes = vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))));
    const int16x4_t doubled = vshr_n_s16(vreinterpret_s16_u16(vshl_n_u16(bytes, 8)), 1);  // the sign in the two highest bits
    const uint16x4_t half = vand_u16(vreinterpret_u16_s16(doubled), vdup_n_u16(0xbfff));
    // what a NaN carries over makes it one
    const uint16x4_t carry = vand_u16(vadd_u16(half, vdup_n_u16(0x80)), vdup_n_u16(0x4000));
    return vcvt_f32_f16(vreinterpret_f16_u16(vorr_u16(half, carry)));
  }
  static void store(float* p, T a) { vst1q_f32(p, a); }
  static T add(T a, T b) { return vaddq_f32(a, b); }
  static T fma(T a, T b, T c) { return vfmaq_f32(c, a, b); }
  static float reduce(T a) { return vaddvq_f32(a); }

  template <int bits>
  static uint64_t spread(uint64_t stream) {
    return ScalarVec::spread<bits>(stream);
  }
  static void unpack4(const uint8_t* src, uint8_t* dst) {
    const uint8x16_t bytes = vld1q_u8(src);
    const uint8x16_t low = vandq_u8(bytes, vdupq_n_u8(15)), high = vshrq_n_u8(bytes, 4);
    vst1q_u8(dst, vzip1q_u8(low, high));
    vst1q_u8(dst + 16, vzip2q_u8(low, high));
  }
  static void look_up(uint8_t* q, const uint8_t* table) { vst1q_u8(q, vqtbl1q_u8(vld1q_u8(table), vld1q_u8(q))); }
  static void transpose(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
    const T a = load(src), b = load(src + src_stride), c = load(src + 2 * src_stride), d = load(src + 3 * src_stride);
    const T ab_even = vtrn1q_f32(a, b), ab_odd = vtrn2q_f32(a, b), cd_even = vtrn1q_f32(c, d), cd_odd = vtrn2q_f32(c, d);
    store(dst, low_halves(ab_even, cd_even));
    store(dst + dst_stride, low_halves(ab_odd, cd_odd));
    store(dst + 2 * dst_stride, high_halves(ab_even, cd_even));
    store(dst + 3 * dst_stride, high_halves(ab_odd, cd_odd));
  }

 private:
  static T low_halves(T a, T b) { return vcombine_f32(vget_low_f32(a), vget_low_f32(b)); }
  static T high_halves(T a, T b) { return vcombine_f32(vget_high_f32(a), vget_high_f32(b)); }
};

}  // namespace
}  // namespace abstractllm::cpu
