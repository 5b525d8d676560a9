// The rows a product reads. Where an rms norm that nobody computed yet stands before it, the product norms them itself:
// a norm of its own costs a graph node, as much as a small product takes.
#pragma once

#include <optional>
#include <vector>

#include "matmul_kernels.h"
#include "mlx/array.h"
#include "mlx/backend/cpu/encoder.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// How the first inputs of a node become rows: x alone, or x and the weight of its norm.
struct NormedInput {
  std::optional<float> eps;  // of the norm, where there is one
  bool operator==(const NormedInput&) const = default;

  size_t count() const { return eps ? 2 : 1; }
};

// Appends to `inputs` what gives `x`, looking through a pending norm.
NormedInput take_input(const mx::array& x, std::vector<mx::array>& inputs);

// Rows that the node's task makes as it reads them (RowMaker).
class PendingRows {
 public:
  PendingRows(const NormedInput& form, const std::vector<mx::array>& inputs, mx::cpu::CommandEncoder& encoder);

  // Where they are once each of them is made.
  Rows rows() const;
  void make(size_t m) const;

 private:
  Rows x_;
  const float* weight_ = nullptr;
  std::optional<mx::array> normed_;  // lives as long as the task: a node that fails leaves no memory behind
  float eps_ = 0;
};

}  // namespace abstractllm::cpu
