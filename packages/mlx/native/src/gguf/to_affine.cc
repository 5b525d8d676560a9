#include "gguf_blocks.h"
#include "half.h"

namespace abstractllm::gguf {
namespace {

// Eight bytes that hold a nibble each, packed to one word, the first byte lowest.
inline uint32_t pack_nibbles(uint64_t bytes) {
  bytes = (bytes | bytes >> 4) & 0x00ff00ff00ff00ffull;
  bytes = (bytes | bytes >> 8) & 0x0000ffff0000ffffull;
  return uint32_t(bytes | bytes >> 16);
}

// ggml keeps elements 0..15 of a block in the low nibbles of 16 bytes and 16..31 in the high ones; MLX wants order.
inline void reorder_nibbles(const uint8_t* src, uint32_t* w) {
  constexpr uint64_t low = 0x0f0f0f0f0f0f0f0full;
  const uint64_t first = load<uint64_t>(src);
  const uint64_t second = load<uint64_t>(src + 8);
  w[0] = pack_nibbles(first & low);
  w[1] = pack_nibbles(second & low);
  w[2] = pack_nibbles(first >> 4 & low);
  w[3] = pack_nibbles(second >> 4 & low);
}

}  // namespace

void q4_0_to_affine(const uint8_t* src, size_t blocks, uint32_t* w, uint16_t* scales, uint16_t* biases) {
  for (size_t i = 0; i < blocks; ++i, src += 18) {
    scales[i] = load<uint16_t>(src);
    biases[i] = negate_and_scale(scales[i], 3);  // q is stored with 8 added
    reorder_nibbles(src + 2, w + 4 * i);
  }
}

void q4_1_to_affine(const uint8_t* src, size_t blocks, uint32_t* w, uint16_t* scales, uint16_t* biases) {
  for (size_t i = 0; i < blocks; ++i, src += 20) {
    scales[i] = load<uint16_t>(src);
    biases[i] = load<uint16_t>(src + 2);
    reorder_nibbles(src + 4, w + 4 * i);
  }
}

void q8_0_to_affine(const uint8_t* src, size_t blocks, uint32_t* w, uint16_t* scales, uint16_t* biases) {
  for (size_t i = 0; i < blocks; ++i, src += 34) {
    scales[i] = load<uint16_t>(src);
    biases[i] = negate_and_scale(scales[i], 7);  // MLX's q is unsigned: 128 is added
    for (size_t j = 0; j < 8; ++j) {
      w[8 * i + j] = load<uint32_t>(src + 2 + 4 * j) ^ 0x80808080u;
    }
  }
}

}  // namespace abstractllm::gguf
