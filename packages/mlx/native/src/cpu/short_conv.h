// Convolutions of each channel over a position and a few before it, which go on where the last call ended.
#pragma once

#include <cstring>
#include <vector>

#include "conv_rows.h"
#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

constexpr size_t kMostTaps = 16;

// x [B, L, C], whose rows lie `stride` floats apart, behind `past` [B, taps - 1, C].
struct ShortConv {
  size_t L, C, taps, stride;
  const float *x, *past, *weights;  // of the last [taps, C]
  const float* bias = nullptr;      // [C]; null where nothing is added

  // Of one position.
  void run(size_t entry, size_t position, bool has_silu, float* out) const {
    const float* rows[kMostTaps];
    for (size_t i = 0; i < taps; i++) rows[i] = input(entry, position + i);
    PICK_KERNEL(short_conv_row)(rows, weights, bias, taps, has_silu, out, C);
  }

  // The past of the next call.
  void keep(size_t entry, float* to) const {
    for (size_t i = 0; i + 1 < taps; i++) std::memcpy(to + i * C, input(entry, L + i), C * sizeof(float));
  }

 private:
  // Row `i` of past and x together.
  const float* input(size_t entry, size_t i) const {
    const size_t before = taps - 1;
    return i < before ? past + (entry * before + i) * C : x + (entry * L + i - before) * stride;
  }
};

// [B, L, C], and the past of the next call; `taps` are [W, C]. All float32. Nothing where this is not computed here.
std::vector<mx::array> short_conv(const mx::array& x, const mx::array& taps, const mx::array& past);

}  // namespace abstractllm::cpu
