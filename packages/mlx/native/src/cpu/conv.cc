#include "conv.h"

#include <algorithm>

#include "contiguous.h"
#include "conv_rows.h"
#include "cpu_primitive.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Outputs of a row that one thread computes at once.
constexpr int kColumnsPerPiece = 48;

struct Axes {
  ConvAxis rows, columns;
};

struct Weights;

// Inputs: x [B, rows, columns, C], weight [C * multiplier, taps of rows, taps of columns].
class DepthwiseConvolution : public CpuPrimitive {
 public:
  explicit DepthwiseConvolution(Axes axes) : axes_(axes) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder), weight = row_contiguous(inputs[1], encoder);
    allocate(out);
    if (out.size() == 0) return;
    const int B = x.shape(0), C = x.shape(3), multiplier = weight.shape(0) / C;
    const DepthwiseConv conv{axes_.rows, axes_.columns, C, multiplier, x.data<float>(), weight.data<float>(),
                             out.data<float>()};
    encoder.dispatch([conv, B] { run(conv, B); });
  }

  const char* name() const override { return "CpuDepthwiseConvolution"; }

 private:
  static void run(DepthwiseConv conv, int B) {
    const size_t taps = static_cast<size_t>(conv.rows.taps) * conv.columns.taps, C = static_cast<size_t>(conv.C);
    const size_t parts = static_cast<size_t>(conv.multiplier);
    float* weights = scratch_floats<Weights>(parts * taps * C);
    for (size_t c = 0; c < C; c++) {
      for (size_t part = 0; part < parts; part++) {
        const float* from = conv.weights + (c * parts + part) * taps;
        for (size_t tap = 0; tap < taps; tap++) weights[(part * taps + tap) * C + c] = from[tap];
      }
    }
    conv.weights = weights;
    const size_t rows = static_cast<size_t>(conv.rows.outputs), columns = static_cast<size_t>(conv.columns.outputs);
    const size_t pieces = (columns + kColumnsPerPiece - 1) / kColumnsPerPiece;
    const size_t work = std::min<size_t>(columns, kColumnsPerPiece) * taps * C * parts;
    auto kernel = PICK_KERNEL(depthwise_conv_row);
    parallel_for(B * rows * pieces, std::max<size_t>(1, kElementsPerRange / work), [&](size_t first, size_t last) {
      for (size_t i = first; i < last; i++) {
        const size_t row = i / pieces, begin = i % pieces * kColumnsPerPiece, b = row / rows;
        DepthwiseConv entry = conv;
        entry.x += b * conv.rows.inputs * conv.columns.inputs * C;
        entry.out += b * rows * columns * C * parts;
        kernel(entry, static_cast<int>(row % rows), static_cast<int>(begin),
               static_cast<int>(std::min(columns, begin + kColumnsPerPiece)));
      }
    });
  }

  Axes axes_;
};

// With no outputs where the kernel does not fit.
ConvAxis axis_of(int inputs, int taps, int stride, int low, int high, int dilation) {
  const int64_t room = int64_t{inputs} + low + high - (int64_t{taps} - 1) * dilation - 1;
  return {inputs, room < 0 ? 0 : static_cast<int>(room / stride + 1), taps, stride, dilation, low};
}

bool is_depthwise(const mx::array& input, const mx::array& weight, int groups) {
  const int axes = static_cast<int>(input.ndim()) - 2;
  if (!use_native() || !is_plain_float32(input) || weight.is_tracer() || (axes != 1 && axes != 2)) return false;
  const int C = input.shape(-1);
  const bool is_alone = groups == C && C > 0 && weight.ndim() == input.ndim() && weight.shape(-1) == 1;
  return is_alone && weight.size() > 0 && weight.shape(0) % C == 0 && mx::issubdtype(weight.dtype(), mx::floating);
}

mx::array depthwise(const mx::array& input, const mx::array& weight, const Axes& axes) {
  const int B = input.shape(0), C = input.shape(-1), outputs = weight.shape(0);
  const mx::array x = mx::reshape(input, {B, axes.rows.inputs, axes.columns.inputs, C});
  const mx::array taps = mx::astype(mx::reshape(weight, {outputs, axes.rows.taps, axes.columns.taps}), mx::float32);
  return mx::array({B, axes.rows.outputs, axes.columns.outputs, outputs}, mx::float32,
                   std::make_shared<DepthwiseConvolution>(axes), {x, taps});
}

bool are_at_least(const std::vector<int>& values, size_t count, int least) {
  return values.size() == count && std::all_of(values.begin(), values.end(), [least](int n) { return n >= least; });
}

}  // namespace

mx::array conv1d(const mx::array& input, const mx::array& weight, int stride, int padding, int dilation, int groups) {
  if (is_depthwise(input, weight, groups) && input.ndim() == 3 && stride > 0 && padding >= 0 && dilation > 0) {
    const ConvAxis along = axis_of(input.shape(1), weight.shape(1), stride, padding, padding, dilation);
    const ConvAxis single = axis_of(1, 1, 1, 0, 0, 1);
    if (along.outputs > 0) return mx::squeeze(depthwise(input, weight, {single, along}), 1);
  }
  return mx::conv1d(input, weight, stride, padding, dilation, groups);
}

mx::array conv_general(const mx::array& input, const mx::array& weight, const std::vector<int>& stride,
                       const std::vector<int>& padding_low, const std::vector<int>& padding_high,
                       const std::vector<int>& dilation, const std::vector<int>& input_dilation, int groups, bool flip) {
  const bool is_plain = !flip && input.ndim() == 4 && are_at_least(stride, 2, 1) && are_at_least(padding_low, 2, 0) &&
                        are_at_least(padding_high, 2, 0) && are_at_least(dilation, 2, 1) &&
                        are_at_least(input_dilation, 2, 1) && input_dilation[0] == 1 && input_dilation[1] == 1;
  if (is_plain && is_depthwise(input, weight, groups)) {
    const auto axis = [&](int i) {
      return axis_of(input.shape(1 + i), weight.shape(1 + i), stride[i], padding_low[i], padding_high[i], dilation[i]);
    };
    const Axes axes{axis(0), axis(1)};
    if (axes.rows.outputs > 0 && axes.columns.outputs > 0) return depthwise(input, weight, axes);
  }
  return mx::conv_general(input, weight, stride, padding_low, padding_high, dilation, input_dilation, groups, flip);
}

}  // namespace abstractllm::cpu
