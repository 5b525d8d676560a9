// How a gate and what it lets through become one.
#pragma once

#include <cstddef>
#include <limits>

namespace abstractllm::cpu {

// Of `swiglu_oai_row`; the other kernels have no use for it.
struct GateShape {
  float alpha = 1;
  float limit = std::numeric_limits<float>::infinity();
  bool operator==(const GateShape&) const = default;
};

// A kernel of activation_rows.h and its shape.
struct GatedActivation {
  void (*row)(const float* gate, const float* x, float* out, size_t n, GateShape shape) = nullptr;
  GateShape shape{};
  bool operator==(const GatedActivation&) const = default;

  void operator()(const float* gate, const float* x, float* out, size_t n) const { row(gate, x, out, n, shape); }
};

}  // namespace abstractllm::cpu
