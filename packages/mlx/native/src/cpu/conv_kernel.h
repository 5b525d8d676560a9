// Convolution of each channel by itself, compiled once per instruction set: the including file defines ISA.
#include "conv_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

// Outputs side by side share the loads of weights. More of them would read so many rows of inputs together that those of
// a length of a power of two push each other out of the cache.
constexpr int kOutputs = 6;

struct TapRange {
  int begin, end;
};

// Outputs of one vector of channels from column `column` on, whose taps are all there within `rows` and `columns`.
template <int kCount>
void convolve(const DepthwiseConv& conv, int row, int column, TapRange rows, TapRange columns, const float* weights,
              int channel, int channels, Floats* sums) {
  const int64_t C = conv.C, step = conv.columns.stride * C, tap_step = conv.columns.dilation * C;
  const bool is_whole = channels == kLanes;
  const size_t count = static_cast<size_t>(channels);
  for (int i = rows.begin; i < rows.end; i++) {
    const int64_t input_row = conv.rows.start(row) + i * conv.rows.dilation;
    const float* line = conv.x + (input_row * conv.columns.inputs + conv.columns.start(column)) * C + channel;
    const float* w = weights + static_cast<int64_t>(i) * conv.columns.taps * C + channel;
    for (int j = columns.begin; j < columns.end; j++) {
      const float* at = line + j * tap_step;
      const Floats weight = is_whole ? load(w + j * C) : load_first(w + j * C, count);
#pragma GCC unroll 6
      for (int o = 0; o < kCount; o++) {
        const Floats input = is_whole ? load(at + o * step) : load_first(at + o * step, count);
        sums[o] = multiply_add(input, weight, sums[o]);
      }
    }
  }
}

void put(const DepthwiseConv& conv, Floats sums, int row, int column, int part, int channel, int channels) {
  const int64_t place = static_cast<int64_t>(row) * conv.columns.outputs + column;
  float* out = conv.out + (place * conv.C + channel) * conv.multiplier + part;
  if (conv.multiplier == 1) {
    if (channels == kLanes) store(out, sums);
    else store_first(out, sums, static_cast<size_t>(channels));
  } else {
    for (int c = 0; c < channels; c++) out[c * conv.multiplier] = sums[c];
  }
}

}  // namespace

namespace ISA {

void short_conv_row(const float* const* x, const float* weights, const float* bias, size_t taps, bool has_silu, float* out,
                    size_t n) {
  constexpr size_t kWidth = kLanes;
  for (size_t i = 0; i < n; i += kWidth) {
    const size_t count = n - i < kWidth ? n - i : kWidth;
    const auto read = [count](const float* p) { return count == kWidth ? load(p) : load_first(p, count); };
    Floats sum = bias ? read(bias + i) : Floats{};
    for (size_t tap = 0; tap < taps; tap++) sum = multiply_add(read(x[tap] + i), read(weights + tap * n + i), sum);
    if (has_silu) sum = sum / (exponential(-sum) + 1.0f);
    if (count == kWidth) store(out + i, sum);
    else store_first(out + i, sum, count);
  }
}

void depthwise_conv_row(const DepthwiseConv& conv, int row, int begin, int end) {
  const TapRange rows{conv.rows.first_tap(row), conv.rows.last_tap(row)};
  const int taps = conv.columns.taps;
  const int64_t part_size = static_cast<int64_t>(conv.rows.taps) * taps * conv.C;
  for (int column = begin; column < end;) {
    const int last = column + kOutputs - 1;
    const bool are_inner = last < end && conv.columns.first_tap(column) == 0 && conv.columns.last_tap(last) == taps;
    const TapRange columns{conv.columns.first_tap(column), conv.columns.last_tap(column)};
    for (int part = 0; part < conv.multiplier; part++) {
      const float* weights = conv.weights + part * part_size;
      for (int channel = 0; channel < conv.C; channel += kLanes) {
        const int channels = conv.C - channel < kLanes ? conv.C - channel : kLanes;
        Floats sums[kOutputs] = {};
        if (are_inner) {
          convolve<kOutputs>(conv, row, column, rows, columns, weights, channel, channels, sums);
          for (int o = 0; o < kOutputs; o++) put(conv, sums[o], row, column + o, part, channel, channels);
        } else {
          convolve<1>(conv, row, column, rows, columns, weights, channel, channels, sums);
          put(conv, sums[0], row, column, part, channel, channels);
        }
      }
    }
    column += are_inner ? kOutputs : 1;
  }
}

}  // namespace ISA

}  // namespace abstractllm::cpu
