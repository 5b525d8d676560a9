#include "gguf_blocks.h"
#include "half.h"

#if defined(__clang__)
#pragma clang fp contract(off)  // ggml multiplies and adds in two roundings
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

namespace abstractllm::gguf {
namespace {

// Scale and minimum of sub-block `j` (0..7) of q4_k and q5_k: 6 bits each, packed into 12 bytes.
struct ScaleMin {
  uint8_t scale;
  uint8_t min;
};

inline ScaleMin scale_min(const uint8_t* packed, int j) {
  if (j < 4) {
    return {uint8_t(packed[j] & 63), uint8_t(packed[j + 4] & 63)};
  }
  const uint8_t low = packed[j + 4];
  return {uint8_t((low & 15) | packed[j - 4] >> 6 << 4), uint8_t(low >> 4 | packed[j] >> 6 << 4)};
}

// Scale of group `j` (0..15) of q3_k: 6 bits, the low four in 8 bytes and the high two in the next 4.
inline int q3_scale(const uint8_t* packed, int j) {
  const int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
  const int high = packed[8 + j % 4] >> (2 * (j / 4)) & 3;
  return (low | high << 4) - 32;
}

}  // namespace

// Block: 16 bytes of 4-bit scale and minimum, 64 bytes of 2-bit values, d, dmin.
void dequantize_q2_k(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 84) {
    const float d = load_half(src + 80);
    const float dmin = load_half(src + 82);
    for (int group = 0; group < 16; ++group) {
      // 32 bytes hold 4 planes of 32 values, 2 bits each; a group is half a plane
      const uint8_t* qs = src + 16 + 32 * (group / 8) + 16 * (group % 2);
      const int shift = 2 * (group % 8 / 2);
      const float scale = d * float(src[group] & 15);
      const float min = dmin * float(src[group] >> 4);
      for (int j = 0; j < 16; ++j) {
        *dst++ = scale * float(qs[j] >> shift & 3) - min;
      }
    }
  }
}

// Block: 32 bytes of high bits, 64 bytes of low 2-bit values, 12 bytes of scales, d.
void dequantize_q3_k(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 110) {
    const float d = load_half(src + 108);
    for (int group = 0; group < 16; ++group) {
      const uint8_t* high = src + 16 * (group % 2);
      const uint8_t* qs = src + 32 + 32 * (group / 8) + 16 * (group % 2);
      const int shift = 2 * (group % 8 / 2);
      const int plane = group / 2;
      const float scale = d * float(q3_scale(src + 96, group));
      for (int j = 0; j < 16; ++j) {
        // a cleared high bit means 4 less
        *dst++ = scale * float((qs[j] >> shift & 3) - ((high[j] >> plane & 1) ? 0 : 4));
      }
    }
  }
}

// Block: d, dmin, 12 bytes of scales and minima, 128 bytes of 4-bit values.
void dequantize_q4_k(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 144) {
    const float d = load_half(src);
    const float dmin = load_half(src + 2);
    for (int group = 0; group < 8; ++group) {
      const uint8_t* qs = src + 16 + 32 * (group / 2);
      const int shift = 4 * (group % 2);
      const ScaleMin packed = scale_min(src + 4, group);
      const float scale = d * float(packed.scale);
      const float min = dmin * float(packed.min);
      for (int j = 0; j < 32; ++j) {
        *dst++ = scale * float(qs[j] >> shift & 15) - min;
      }
    }
  }
}

// Block: d, dmin, 12 bytes of scales and minima, 32 bytes of high bits, 128 bytes of low 4-bit values.
void dequantize_q5_k(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 176) {
    const float d = load_half(src);
    const float dmin = load_half(src + 2);
    const uint8_t* high = src + 16;
    for (int group = 0; group < 8; ++group) {
      const uint8_t* qs = src + 48 + 32 * (group / 2);
      const int shift = 4 * (group % 2);
      const ScaleMin packed = scale_min(src + 4, group);
      const float scale = d * float(packed.scale);
      const float min = dmin * float(packed.min);
      for (int j = 0; j < 32; ++j) {
        *dst++ = scale * float((qs[j] >> shift & 15) | (high[j] >> group & 1) << 4) - min;
      }
    }
  }
}

// Block: 128 bytes of low 4-bit values, 64 bytes of high 2-bit values, 16 signed scales, d.
void dequantize_q6_k(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 210) {
    const float d = load_half(src + 208);
    for (int group = 0; group < 16; ++group) {
      const int half = group / 8;        // 128 elements
      const int quarter = group % 8 / 2;  // 32 elements
      const int offset = 16 * (group % 2);
      const uint8_t* low = src + 64 * half + 32 * (quarter % 2) + offset;
      const uint8_t* high = src + 128 + 32 * half + offset;
      const float scale = d * float(int8_t(src[192 + group]));
      for (int j = 0; j < 16; ++j) {
        const int q = (low[j] >> (4 * (quarter / 2)) & 15) | (high[j] >> (2 * quarter) & 3) << 4;
        *dst++ = scale * float(q - 32);
      }
    }
  }
}

}  // namespace abstractllm::gguf
