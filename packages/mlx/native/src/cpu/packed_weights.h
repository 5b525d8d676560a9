// Matrices whose weights, scales and biases are packed in memory, and yet arrays like any other: reading one unpacks it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "mlx/array.h"
#include "quant_layer.h"

namespace abstractllm::cpu {

// Whether this processor multiplies such a matrix `[N, K]`, or those of a stack `[..., N, K]`, faster packed.
bool should_pack(const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group);

// The bytes that it takes then: whole tiles.
size_t packed_size(const mx::array& w, const mx::array& scales, int bits, int group);

// Writes the matrix to `to`, which has `packed_size` bytes, some `slice` bytes at a time. Says after each
// how many rows, of all matrices in a stack, are there.
void pack_into(const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group, void* to,
               size_t slice, const std::function<void(size_t rows)>& packed);

// Weights, scales and biases over `packed` bytes, in the shapes and types of those that went there.
std::vector<mx::array> packed_arrays(const mx::array& packed, const mx::array& w, const mx::array& scales, int bits,
                                     int group);

// The packed bytes that all three stand for; nothing when they do not, or were unpacked.
std::optional<mx::array> packed_bytes(const mx::array& w, const mx::array& scales, const mx::array& biases);

// The matrix of rows of K values in `packed`.
QuantMatrix packed_matrix(const mx::array& packed, Float scale_type, int bits, int group, size_t K);

}  // namespace abstractllm::cpu
