// What mixers that go on from the last inputs of a short convolution and a state have in common.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "mlx/array.h"
#include "mlx/backend/cpu/encoder.h"
#include "short_conv.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// Where the numbers of inputs lie, of which the last is a state [B, ...]. Gives memory to the outputs, of which the last is the
// state after, in the place of the one before where nobody else reads that.
std::vector<const float*> begin_mixer(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs,
                                      mx::cpu::CommandEncoder& encoder);

// Calls run(entry, first, count) for stretches of positions of each batch entry, in order: what they hold stays in the second
// cache level. Leaves the inputs that the next convolution begins with.
template <typename Run>
void mix_stretches(size_t B, const ShortConv& conv, float* next_past, const Run& run) {
  constexpr size_t kPositions = 32;
  for (size_t entry = 0; entry < B; entry++) {
    for (size_t first = 0; first < conv.L; first += kPositions) run(entry, first, std::min(kPositions, conv.L - first));
    conv.keep(entry, next_past + entry * (conv.taps - 1) * conv.C);
  }
}

}  // namespace abstractllm::cpu
