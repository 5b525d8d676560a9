#include "gguf_blocks.h"
#include "half.h"

#if defined(__clang__)
#pragma clang fp contract(off)  // ggml multiplies and adds in two roundings
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

namespace abstractllm::gguf {

void dequantize_q4_0(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 18, dst += 32) {
    const float d = load_half(src);
    const uint8_t* qs = src + 2;
    for (int j = 0; j < 16; ++j) {
      dst[j] = d * float((qs[j] & 15) - 8);
      dst[j + 16] = d * float((qs[j] >> 4) - 8);
    }
  }
}

void dequantize_q4_1(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 20, dst += 32) {
    const float d = load_half(src);
    const float m = load_half(src + 2);
    const uint8_t* qs = src + 4;
    for (int j = 0; j < 16; ++j) {
      dst[j] = d * float(qs[j] & 15) + m;
      dst[j + 16] = d * float(qs[j] >> 4) + m;
    }
  }
}

void dequantize_q5_0(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 22, dst += 32) {
    const float d = load_half(src);
    const uint32_t high = load<uint32_t>(src + 2);
    const uint8_t* qs = src + 6;
    for (int j = 0; j < 16; ++j) {
      dst[j] = d * float(int((qs[j] & 15) | (high >> j & 1) << 4) - 16);
      dst[j + 16] = d * float(int((qs[j] >> 4) | (high >> (j + 16) & 1) << 4) - 16);
    }
  }
}

void dequantize_q5_1(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 24, dst += 32) {
    const float d = load_half(src);
    const float m = load_half(src + 2);
    const uint32_t high = load<uint32_t>(src + 4);
    const uint8_t* qs = src + 8;
    for (int j = 0; j < 16; ++j) {
      dst[j] = d * float((qs[j] & 15) | (high >> j & 1) << 4) + m;
      dst[j + 16] = d * float((qs[j] >> 4) | (high >> (j + 16) & 1) << 4) + m;
    }
  }
}

void dequantize_q8_0(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 34, dst += 32) {
    const float d = load_half(src);
    for (int j = 0; j < 32; ++j) {
      dst[j] = d * float(int8_t(src[2 + j]));
    }
  }
}

}  // namespace abstractllm::gguf
