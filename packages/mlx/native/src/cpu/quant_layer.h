// What nodes around quantized products share: reading their matrices, norming what they read, adding to what they give.
#pragma once

#include "cpu_primitive.h"
#include "matmul.h"
#include "normed_input.h"

namespace abstractllm::cpu {

// Quantization of a matrix, or of each in a stack, and how a node's inputs hold it: packed as one array, else as three, or two
// without biases.
struct QuantFormat {
  int bits;
  int group;
  int N, K;
  Float scale_type;
  bool is_packed;
  Coding coding = Coding::affine;
  bool operator==(const QuantFormat&) const = default;

  size_t count() const { return is_packed ? 1 : coding == Coding::affine ? 3 : 2; }
};

// Appends a matrix that is_native_matrix to the inputs of a node.
QuantFormat take_matrix(const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group,
                        std::vector<mx::array>& inputs);

// The same for a matrix that is_native_float_matrix.
QuantFormat take_float_matrix(const mx::array& w, const mx::array& scales, Coding coding, std::vector<mx::array>& inputs);

// The matrix, or the first of a stack, whose arrays are the inputs from `first` on. The caller sets `out`.
QuantProduct quant_operand(const std::vector<mx::array>& inputs, size_t first, const QuantFormat& format,
                           mx::cpu::CommandEncoder& encoder);

// What is added to each row of a result: nothing, the same row, or the row of the same number.
enum class Addend { none, row, rows };

// A node whose first inputs are rows (normed_input.h), then matrices, and last what is added to its result.
class QuantLayer : public CpuPrimitive {
 public:
  QuantLayer(NormedInput input, Addend addend, Rounding rounding)
      : input_(input), addend_(addend), rounding_(rounding) {}

  const NormedInput& input() const { return input_; }
  Addend addend() const { return addend_; }

  // This node with one more input, which it adds.
  virtual std::shared_ptr<QuantLayer> adding(Addend addend) const = 0;

 protected:
  bool is_same_layer(const QuantLayer& o) const {
    return input_ == o.input_ && addend_ == o.addend_ && rounding_ == o.rounding_;
  }

  // Null without an addend.
  const float* addend_of(const std::vector<mx::array>& inputs, mx::cpu::CommandEncoder& encoder) const;

  NormedInput input_;
  Addend addend_;
  Rounding rounding_;
};

}  // namespace abstractllm::cpu
