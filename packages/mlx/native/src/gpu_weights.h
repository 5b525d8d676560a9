// Weights that libmlx reads into the memory of an NVIDIA GPU. Arrays made from memory of the host would lie in memory that
// both share instead, which moves to the GPU page by page, when a kernel first touches it.
#pragma once

#include <memory>
#include <vector>

#include "mlx/mlx.h"

namespace abstractllm {

namespace mx = mlx::core;

// A tensor in memory of the host, row-major.
struct HostTensor {
  const char* data;
  mx::Shape shape;
  mx::Dtype dtype;
  std::shared_ptr<const void> owner;  // of the memory; let go when the GPU has all tensors of one call
};

// Whether arrays of this thread belong into the memory of an NVIDIA GPU.
bool computes_on_cuda();

// Not float64 and complex64, which no weights of models have.
bool can_read_into_gpu(mx::Dtype dtype);

// Arrays that are read when they are evaluated, none of them empty.
std::vector<mx::array> read_into_gpu(std::vector<HostTensor> tensors);

}  // namespace abstractllm
