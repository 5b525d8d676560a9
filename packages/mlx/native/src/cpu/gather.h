// What nodes share whose matrices are chosen by index: which row of x meets which of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contiguous.h"
#include "cpu_primitive.h"

namespace abstractllm::cpu {

// One row of the result: which row of x and which matrix make it.
struct Pick {
  size_t from;
  size_t matrix;
  size_t to;
};

// Rows of the same matrix together, so that its weights are read once.
void sort_by_matrix(std::vector<Pick>& picks);

// Which indices a node has; without them each matrix is taken in turn.
struct Pairing {
  bool has_lhs, has_rhs;
  bool is_lhs_given;  // else those follow from the shapes
  bool operator==(const Pairing&) const = default;

  std::ptrdiff_t count() const { return (has_lhs ? 1 : 0) + (has_rhs ? 1 : 0); }
};

// Which matrices of x and which of a stack meet.
struct Pairs {
  mx::Shape shape;
  std::optional<mx::array> lhs, rhs;  // in that shape
  bool is_lhs_given;

  Pairing pairing() const { return {lhs.has_value(), rhs.has_value(), is_lhs_given}; }
  // Puts the indices behind the other inputs of a node.
  void append_to(std::vector<mx::array>& inputs) const;
};

// Broadcasts the indices, or the leading axes where there are none.
Pairs pair_matrices(const mx::array& x, const mx::array& w, const std::optional<mx::array>& lhs,
                    const std::optional<mx::array>& rhs);

// A node whose inputs are x, the weights' arrays, then the indices of `Pairs`.
class Gather : public CpuPrimitive {
 public:
  explicit Gather(Pairing pairing) : pairing_(pairing) {}

  const Pairing& pairing() const { return pairing_; }

  // Of so many pairs as there are matrices `[..., M, N]`.
  static size_t pair_count(const mx::array& out) {
    return out.size() / (static_cast<size_t>(out.shape(-2)) * static_cast<size_t>(out.shape(-1)));
  }

 protected:
  // Calls `multiply(picks, x, K)` on the stream, for the rows of `pairs` pairs. `weights` inputs hold `matrices` of them.
  template <typename Multiply>
  void run(const std::vector<mx::array>& inputs, size_t weights, size_t matrices, size_t pairs, Multiply&& multiply) {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder);
    size_t next = 1 + weights;
    const size_t M = static_cast<size_t>(x.shape(-2)), K = static_cast<size_t>(x.shape(-1));
    auto indices = [&](bool given, size_t limit) {
      const uint32_t* values = given ? row_contiguous(inputs[next++], encoder).data<uint32_t>() : nullptr;
      return Indices{values, static_cast<uint32_t>(limit)};
    };
    const Indices lhs = indices(pairing_.has_lhs, x.size() / (M * K)), rhs = indices(pairing_.has_rhs, matrices);
    encoder.dispatch([lhs, rhs, M, K, pairs, from = x.data<float>(), multiply] {
      std::vector<Pick> picks;
      picks.reserve(pairs * M);
      for (size_t i = 0; i < pairs; i++) {
        const size_t row = lhs.at(i) * M, matrix = rhs.at(i);
        for (size_t m = 0; m < M; m++) picks.push_back({row + m, matrix, i * M + m});
      }
      if (!picks.empty()) multiply(picks, from, K);
    });
  }

 private:
  // An index array, or without one the numbers of the matrices in the leading axes. Made contiguous.
  struct Indices {
    const uint32_t* values;
    uint32_t limit;
    uint32_t at(size_t i) const {
      const uint32_t index = values ? values[i] : static_cast<uint32_t>(i);
      if (index >= limit) {
        throw std::invalid_argument("index " + std::to_string(index) + " of a gathered product is not below " +
                                    std::to_string(limit));
      }
      return index;
    }
  };

  Pairing pairing_;
};

}  // namespace abstractllm::cpu
