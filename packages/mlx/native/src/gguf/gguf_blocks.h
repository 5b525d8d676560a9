// Unpacks ggml's block formats. Plain functions: no N-API, no MLX, no allocation, no errors; the caller has proven
// that `src` holds `blocks` blocks and that the outputs have room for them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abstractllm::gguf {

// ---- to MLX's affine layout, groups of 32: value = scale * q + bias ------------------------------------------------
// `w` gets packed words, q in order along the row from the lowest bits up: 4 words a block with 4 bits, 8 with 8.
// `scales` and `biases` get one half-precision number a block. Equal, bit by bit, to what mx.load gives for GGUF.

void q4_0_to_affine(const uint8_t* src, size_t blocks, uint32_t* w, uint16_t* scales, uint16_t* biases);
void q4_1_to_affine(const uint8_t* src, size_t blocks, uint32_t* w, uint16_t* scales, uint16_t* biases);
void q8_0_to_affine(const uint8_t* src, size_t blocks, uint32_t* w, uint16_t* scales, uint16_t* biases);

// ---- to float32 ----------------------------------------------------------------------------------------------------
// `dst` gets 32 values a block, 256 for the K types and iq4_xs.

void dequantize_q4_0(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q4_1(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q5_0(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q5_1(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q8_0(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q2_k(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q3_k(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q4_k(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q5_k(const uint8_t* src, size_t blocks, float* dst);
void dequantize_q6_k(const uint8_t* src, size_t blocks, float* dst);
void dequantize_iq4_nl(const uint8_t* src, size_t blocks, float* dst);
void dequantize_iq4_xs(const uint8_t* src, size_t blocks, float* dst);

// ---- by ggml's type number -----------------------------------------------------------------------------------------

using ToAffine = void (*)(const uint8_t* src, size_t blocks, uint32_t* w, uint16_t* scales, uint16_t* biases);
using Dequantize = void (*)(const uint8_t* src, size_t blocks, float* dst);

// Geometry and kernels of one type. `to_affine` is null for types that MLX's layout cannot hold exactly.
struct BlockType {
  uint32_t id;
  const char* name;
  uint32_t block_size;   // elements
  uint32_t block_bytes;
  uint32_t affine_bits;  // bits per element in MLX's layout; 0 when to_affine is null
  ToAffine to_affine;
  Dequantize dequantize;
};

// Null when `id` is no type that these kernels know.
const BlockType* find_block_type(uint32_t id);

}  // namespace abstractllm::gguf
