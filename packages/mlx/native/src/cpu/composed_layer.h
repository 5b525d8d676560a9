// A decoder's layer at the next position, composed of single operations: for devices that have none for all of it.
#pragma once

#include "decoder_layer.h"

namespace abstractllm::cpu {

// x [B, 1, E] through a layer, without updates or experts: the result [B, 1, E], and the buffers of keys and values
// [B, K, C, D] with the new rows at `start`. `position` is where queries and keys turn to.
std::vector<mx::array> composed_layer(const DecoderLayerParts& parts, const LayerTurn& turn, const mx::array& x,
                                      const mx::array& keys, const mx::array& values, int start, int position);

}  // namespace abstractllm::cpu
