#include "gguf_blocks.h"
#include "half.h"

namespace abstractllm::gguf {
namespace {

// The sixteen values of the non-linear 4-bit types, denser around zero.
constexpr float kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

inline void unpack(const uint8_t* qs, float scale, float* dst) {
  for (int j = 0; j < 16; ++j) {
    dst[j] = scale * kValues[qs[j] & 15];
    dst[j + 16] = scale * kValues[qs[j] >> 4];
  }
}

}  // namespace

void dequantize_iq4_nl(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 18, dst += 32) {
    unpack(src + 2, load_half(src), dst);
  }
}

// Block: d, 2 bytes of high scale bits, 4 bytes of low ones, 128 bytes of 4-bit values.
void dequantize_iq4_xs(const uint8_t* src, size_t blocks, float* dst) {
  for (size_t i = 0; i < blocks; ++i, src += 136) {
    const float d = load_half(src);
    const uint16_t high = load<uint16_t>(src + 2);
    for (int group = 0; group < 8; ++group, dst += 32) {
      const int low = src[4 + group / 2] >> (4 * (group % 2)) & 15;
      const int scale = (low | (high >> (2 * group) & 3) << 4) - 32;
      unpack(src + 8 + 16 * group, d * float(scale), dst);
    }
  }
}

}  // namespace abstractllm::gguf
