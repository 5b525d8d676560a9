// Multi-head latent attention of a decoder's layer, over its buffers. Each position has one latent, which stands for the keys and
// values of all heads, and a key's features that turn, which they share. Absorbed, the buffers hold those two [B, 1, C, R] and
// [B, 1, C, turned], and each head takes its query into the space of latents, and what it finds out of it; expanded, they hold the
// keys and values that become of latents.
// @see https://arxiv.org/abs/2405.04434
#pragma once

#include "attention_run.h"

namespace abstractllm::cpu {

// Over buffers that are computed and may be written.
AttentionRoom latent_room(const PreparedLatent& layer, const mx::array& keys, const mx::array& values,
                          const std::optional<AffineFormat>& format);

// out = what the layer finds for the rows, and `addend` where that is not null.
void run_latent_layer(const PreparedLatent& layer, const AttentionRoom& room, const RunForm& form, TurnTables& tables,
                      const NormedRows& rows, const float* addend, float* out);

}  // namespace abstractllm::cpu
