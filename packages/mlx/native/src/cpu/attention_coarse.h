// Attention of the many rows inside a prompt, whose results only have to be right on average (docs/performance.md): queries,
// keys, values and weights are bfloat16, of which processors multiply two where they multiply one float32. Sums are float32.
#pragma once

#include "attention_rows.h"

namespace abstractllm::cpu {

// Whether it is defined over such keys.
inline bool has_coarse_form(const AttentionKeys& keys) {
  return keys.mask_kind == MaskKind::none && keys.cap == 0 && keys.key_dims % 2 == 0;
}

// Most rows of one call: what keys and values are turned into serves all of them.
constexpr int kCoarseRows = 256;

// Floats of scratch memory one call needs.
size_t coarse_attention_scratch(int key_dims, int value_dims);

// As `attend`, over keys that have a coarse form, for up to kCoarseRows rows whose `visible` never falls.
void attend_coarse_avx512bf16(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
                              const AttentionState& state, float* scratch);

}  // namespace abstractllm::cpu
