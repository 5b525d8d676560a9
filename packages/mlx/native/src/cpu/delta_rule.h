// States that fade, and in which each position puts a value, as one operation: linear attention, and state spaces.
#pragma once

#include <vector>

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// Of queries and keys [B, L, K, D] and values v [B, L, H, V], where H is a multiple of K; logarithms of what is left of the
// state [B, L, H], or by feature [B, L, H, D]; how much is put there, beta [B, L, H]; and the state [B, H, V, D] before. All
// float32.
struct DeltaInputs {
  mx::array q, k, v, log_decay, beta, state;
};

// Whether a value replaces what its key reads (the gated delta rule), or is added to it.
enum class StateRule { delta, sum };

// How the parts of a run lie.
struct DeltaSizes {
  size_t B, L, K, H, V, D;
  bool is_decay_by_feature;
  StateRule rule = StateRule::delta;
};

// Heads of `width` floats one behind the other, positions and batch entries so many floats apart.
struct DeltaHeads {
  const float* data;
  size_t batch_stride, stride, width;

  const float* at(size_t b, size_t head) const { return data + b * batch_stride + head * width; }
};

struct DeltaParts {
  DeltaHeads q, k, v;
  const float *decay, *beta;  // [B, L, H], factors; the first may be [B, L, H, D]
};

// From state to state, which may be the same, and what queries read: y [B, L, H, V].
void run_delta(const DeltaSizes& sizes, const DeltaParts& parts, const float* from, float* to, float* y);

// What queries read, [B, L, H, V], and the state after the last position. Nothing where this is not computed here.
std::vector<mx::array> delta_rule(const DeltaInputs& inputs, StateRule rule);

}  // namespace abstractllm::cpu
