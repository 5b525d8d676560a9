// Linear attention of a decoder's layer, over the arrays in which it goes on.
#pragma once

#include "layer_steps.h"
#include "run_form.h"

namespace abstractllm::cpu {

// Both are read and written.
struct DeltaRoom {
  float* past;   // [B, W - 1, C]
  float* state;  // [B, H, V, D]
};

// out = what the layer finds for the rows, and `addend` where that is not null.
void run_delta_layer(const PreparedDelta& layer, const DeltaRoom& room, const RunForm& form, const NormedRows& rows,
                     const float* addend, float* out);

}  // namespace abstractllm::cpu
