// Linear attention by the gated delta rule as one operation.
#pragma once

#include <vector>

#include "delta_rule.h"
#include "mlx/array.h"
#include "short_conv.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// What a layer of Qwen's linear attention projects its input to, what it learned, and where it goes on. All float32.
struct DeltaMixerInputs {
  mx::array qkv;       // [B, L, C]: queries and keys of K heads of D features, values of H heads of V
  mx::array z;         // [B, L, H, V], what comes out is let through by
  mx::array b, a;      // [B, L, H]: how much is written, and forgotten
  mx::array taps;      // [W, C], of a convolution over a position and those before it
  mx::array log_rates, biases;  // [H]: a state keeps exp(-exp(log_rate) softplus(a + bias))
  mx::array norm;      // [V], of what comes out
  mx::array past;      // [B, W - 1, C], inputs of the convolution before the first
  mx::array state;     // [B, H, V, D]
  int key_heads;
  float eps;           // of the norm
};

// The same of one run: next_past and next_state may be the past of `conv` and `state`.
struct DeltaMix {
  DeltaSizes sizes;
  ShortConv conv;
  float eps;
  const float *z, *b, *a, *log_rates, *biases, *norm, *state;
  float *out, *next_past, *next_state;

  void run() const;

 private:
  void run_positions(size_t entry, size_t first, size_t count) const;
  void mix(size_t entry, size_t position, float* to) const;
  float decay(size_t head, float forgotten) const;
};

// What comes out, [B, L, H, V], `past` and `state` after the last position. Nothing where this is not computed here.
std::vector<mx::array> delta_mixer(const DeltaMixerInputs& inputs);

}  // namespace abstractllm::cpu
