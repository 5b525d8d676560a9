// Attention of a decoder's layer, over its buffers of keys and values.
#pragma once

#include <optional>

#include "attention_plan.h"
#include "cache_append.h"
#include "layer_steps.h"
#include "run_form.h"

namespace abstractllm::cpu {

struct AttentionRoom {
  CacheAppend keys, values;  // their rows are in a thread's memory: set when it runs
  AttentionProblem problem;
  int window = 0;  // how many rows a position sees at most; 0 is all

  // For L positions whose rows go to `span`; the one it is made from is for one, at the beginning.
  AttentionRoom at(int L, RowSpan span) const;
};

// New rows of K heads with D features, the rows of a position `stride` floats behind those of another, to the first of `buffer`.
CacheAppend append_to(const mx::array& buffer, size_t D, size_t stride, const std::optional<AffineFormat>& format);

// Queries of H heads with D features, and what they see in such buffers: keys, and values of which one has `value_dims`.
AttentionProblem problem_over(size_t H, size_t D, size_t value_dims, const mx::array& keys, const mx::array& values,
                              const std::optional<AffineFormat>& format);

// Over buffers that are computed and may be written.
AttentionRoom attention_room(const PreparedAttention& layer, const mx::array& keys, const mx::array& values,
                             const std::optional<AffineFormat>& format);

// out = what the layer finds for the rows, and `addend` where that is not null.
void run_attention_layer(const PreparedAttention& layer, const AttentionRoom& room, const RunForm& form, TurnTables& tables,
                         const NormedRows& rows, const float* addend, float* out);

}  // namespace abstractllm::cpu
