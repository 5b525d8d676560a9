// Appending to a cache of keys and values without copying it.
#pragma once

#include <vector>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

// Writes new keys and values `[B, K, L, D]` at position `start` of two buffers `[B, K, C, D]`. Gives the two buffers,
// then their first `start + L` positions. Buffers of float16 take float32 and round it.
//
// On the CPU it writes in place: no other array may hold positions from `start` on of these buffers. libmlx's own
// update copies a buffer that a queued task still reads, so it copies the whole cache whenever a step is in flight.
std::vector<mx::array> append_to_cache(const mx::array& keys, const mx::array& values, const mx::array& new_keys,
                                       const mx::array& new_values, int start);

// A buffer `[B, K, C, D]` with the first `used` positions of another, and zeros behind them. On the CPU it lies in huge
// pages where it is large.
mx::array extend_cache(const mx::array& buffer, int used, int capacity);

}  // namespace abstractllm::cpu
