#pragma once

namespace abstractllm::cpu {

// What a layer that does not look back goes on from. Both are read and written.
struct RecurrentRoom {
  float* past;   // [B, W - 1, C], inputs of a short convolution
  float* state;  // [B, H, V, D], where there is one
};

}  // namespace abstractllm::cpu
