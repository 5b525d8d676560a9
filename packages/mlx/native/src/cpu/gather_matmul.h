// Products with matrices chosen by index (mixture-of-experts) on the CPU, with libmlx's signatures.
#pragma once

#include <optional>
#include <string>

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// x [..., M, K] times the quantized matrices of w [E, N, K] that rhs_indices name -> [indices..., M, N]. lhs_indices
// name the matrices of x; without them each is taken in turn. Computed here for f32 x, affine transposed weights.
mx::array gather_qmm(const mx::array& x, const mx::array& w, const mx::array& scales,
                     const std::optional<mx::array>& biases, const std::optional<mx::array>& lhs_indices,
                     const std::optional<mx::array>& rhs_indices, bool transpose, std::optional<int> group_size,
                     std::optional<int> bits, const std::string& mode, const std::optional<mx::array>& global_scale,
                     bool sorted_indices);

// The same with dense b [E, K, N]: f32, f16 or bf16.
mx::array gather_mm(const mx::array& a, const mx::array& b, const std::optional<mx::array>& lhs_indices,
                    const std::optional<mx::array>& rhs_indices, bool sorted_indices);

// x [indices..., M, N], to whose matrices the rows of [E, N] that `indices` name are added. Products do so themselves.
mx::array add_gathered_rows(const mx::array& x, const mx::array& rows, const mx::array& indices);

}  // namespace abstractllm::cpu
