// Mamba 2's mixer of a decoder's layer, over the arrays in which it goes on.
#pragma once

#include "layer_steps.h"
#include "recurrent_room.h"
#include "run_form.h"

namespace abstractllm::cpu {

// out = what the layer finds for the rows, and `addend` where that is not null.
void run_mamba_layer(const PreparedMamba& layer, const RecurrentRoom& room, const RunForm& form, const NormedRows& rows,
                     const float* addend, float* out);

}  // namespace abstractllm::cpu
