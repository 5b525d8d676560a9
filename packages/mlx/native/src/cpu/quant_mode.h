// The quantization modes of libmlx that have kernels here.
#pragma once

#include <optional>
#include <string>

#include "matmul_kernels.h"
#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

std::optional<Coding> coding_from_mode(const std::string& mode);

struct FloatFormat {
  int bits, group;
};

// What all matrices of floats have that are stored like that.
FloatFormat float_format(Coding coding);

// Whether matrices of floats `[..., N, K]` are multiplied here; libmlx says what is wrong with shapes that do not fit.
bool is_native_float_matrix(int K, const mx::array& w, const mx::array& scales, Coding coding, std::optional<int> bits,
                            std::optional<int> group);

}  // namespace abstractllm::cpu
