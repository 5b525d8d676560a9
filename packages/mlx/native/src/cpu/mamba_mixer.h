// Mamba 2's mixer between its projections as one operation.
#pragma once

#include <optional>
#include <vector>

#include "delta_rule.h"
#include "mlx/array.h"
#include "short_conv.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// How long positions last, and what comes out of H heads of P features.
struct MambaSettings {
  float shortest, longest;  // time steps
  float eps;                // of the norm of what comes out
  int groups;               // of heads that enter their states alike, and are read alike
  int norm_groups;          // of features that are normed by themselves
};

// What a layer projects its input to, what it learned, and where it goes on. All float32.
struct MambaMixerInputs {
  mx::array projected;  // [B, L, H P + C + H]: gates, what goes through the convolution, and time steps
  mx::array taps;       // [W, C] of it: H P values, then of each group of heads how they enter a state of N features for each
                        // value, then how that is read
  mx::array log_rates, step_biases;  // [H]: a step is softplus(it + bias), and a state keeps exp(-exp(log_rate) step)
  mx::array skips;                   // [H], of values that go past the state
  std::optional<mx::array> conv_bias;  // [C]
  std::optional<mx::array> norm;       // [H P], of what gates let through
  mx::array past;                      // [B, W - 1, C], inputs of the convolution before the first
  mx::array state;                     // [B, H, P, N]
  MambaSettings settings;
};

// What a layer learned.
struct MambaNumbers {
  const float *log_rates, *step_biases, *skips;
  const float* norm;  // null where nothing is normed
  float shortest, longest, eps;
  size_t norm_groups;
};

// The same of one run: next_past and next_state may be the past of `conv` and `state`.
struct MambaMix {
  DeltaSizes sizes;
  ShortConv conv;
  MambaNumbers learned;
  const float* projected;
  const float* state;
  float *out, *next_past, *next_state;

  void run() const;

 private:
  size_t features() const { return sizes.H * sizes.V; }
  size_t width() const { return features() + conv.C + sizes.H; }
  void run_positions(size_t entry, size_t first, size_t count) const;
  void time(const float* steps, float* lasting, float* decays) const;
  void let_through(const float* gate, const float* values, float* row) const;
};

// What comes out, [B, L, H P], `past` and `state` after the last position. Nothing where this is not computed here.
std::vector<mx::array> mamba_mixer(const MambaMixerInputs& inputs);

}  // namespace abstractllm::cpu
