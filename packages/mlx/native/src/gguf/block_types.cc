#include "gguf_blocks.h"

namespace abstractllm::gguf {
namespace {

constexpr BlockType kBlockTypes[] = {
    {2, "Q4_0", 32, 18, 4, q4_0_to_affine, dequantize_q4_0},
    {3, "Q4_1", 32, 20, 4, q4_1_to_affine, dequantize_q4_1},
    {6, "Q5_0", 32, 22, 0, nullptr, dequantize_q5_0},
    {7, "Q5_1", 32, 24, 0, nullptr, dequantize_q5_1},
    {8, "Q8_0", 32, 34, 8, q8_0_to_affine, dequantize_q8_0},
    {10, "Q2_K", 256, 84, 0, nullptr, dequantize_q2_k},
    {11, "Q3_K", 256, 110, 0, nullptr, dequantize_q3_k},
    {12, "Q4_K", 256, 144, 0, nullptr, dequantize_q4_k},
    {13, "Q5_K", 256, 176, 0, nullptr, dequantize_q5_k},
    {14, "Q6_K", 256, 210, 0, nullptr, dequantize_q6_k},
    {20, "IQ4_NL", 32, 18, 0, nullptr, dequantize_iq4_nl},
    {23, "IQ4_XS", 256, 136, 0, nullptr, dequantize_iq4_xs},
};

}  // namespace

const BlockType* find_block_type(uint32_t id) {
  for (const BlockType& type : kBlockTypes) {
    if (type.id == id) {
      return &type;
    }
  }
  return nullptr;
}

}  // namespace abstractllm::gguf
