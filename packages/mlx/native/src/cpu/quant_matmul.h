// Quantized matrix product on the CPU, with libmlx's signature.
#pragma once

#include <optional>
#include <string>

#include "mlx/array.h"
#include "quant_layer.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// x [..., K] times quantized w [N, K] (transposed) -> [..., N], or stacks of matrices (stack_matmul.h). Computed here for f32
// activations; libmlx's operation otherwise.
mx::array quantized_matmul(const mx::array& x, const mx::array& w, const mx::array& scales,
                           const std::optional<mx::array>& biases, bool transpose, std::optional<int> group_size,
                           std::optional<int> bits, const std::string& mode);

// Whether such a matrix `[N, K]`, or those of a stack `[..., N, K]`, are multiplied here; libmlx says what is wrong with
// shapes that do not fit.
bool is_native_matrix(int K, const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group);

// Throws where quantized matrices lack axes or have others than their scales: libmlx reads beyond the shapes of such ones.
void expect_same_axes(const mx::array& w, const mx::array& scales);

// Puts a matrix, or a stack of them, that is multiplied here into the inputs of a node.
std::optional<QuantFormat> take_native(int K, const mx::array& w, const mx::array& scales,
                                       const std::optional<mx::array>& biases, std::optional<int> group,
                                       std::optional<int> bits, const std::string& mode, std::vector<mx::array>& inputs);

}  // namespace abstractllm::cpu
