// Convolution of each channel by itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel_set.h"

namespace abstractllm::cpu {

// One axis of a convolution: output o and tap t meet at input o * stride + t * dilation - padding, if it is there.
struct ConvAxis {
  int inputs, outputs, taps, stride, dilation, padding;

  // Where tap 0 of an output is.
  int start(int output) const { return output * stride - padding; }
  // The first tap that meets an input, and the one behind the last.
  int first_tap(int output) const {
    const int missing = -start(output);
    return missing <= 0 ? 0 : (missing + dilation - 1) / dilation;
  }
  int last_tap(int output) const {
    const int left = inputs - start(output);
    const int last = left <= 0 ? 0 : (left + dilation - 1) / dilation;
    return last < taps ? last : taps;
  }
};

// Rows and columns of channels that lie side by side: x [rows.inputs, columns.inputs, C] to
// out [rows.outputs, columns.outputs, C * multiplier].
struct DepthwiseConv {
  ConvAxis rows, columns;
  int C, multiplier;
  const float* x;
  const float* weights;  // [multiplier][rows.taps][columns.taps][C]
  float* out;
};

// The sum of `taps` rows x[i], each times the row of the same number of weights [taps, n], and of `bias` [n] unless that is
// null; silu of it where that is asked.
KERNEL(void, short_conv_row,
       (const float* const* x, const float* weights, const float* bias, size_t taps, bool has_silu, float* out, size_t n))

// Columns [begin, end) of one row of the output.
KERNEL(void, depthwise_conv_row, (const DepthwiseConv& conv, int row, int begin, int end))

}  // namespace abstractllm::cpu
