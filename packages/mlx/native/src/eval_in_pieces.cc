#include "eval_in_pieces.h"

#include <deque>
#include <unordered_set>
#include <utility>

#include "mlx/mlx.h"
#include "mlx/primitives.h"

namespace abstractllm {

namespace {

// libmlx takes the memory of results when it starts operations, up to a hundred ahead of those that are being computed. So a
// piece is a few results of a prompt's stretch; waiting for it costs some 50 us, and computing it milliseconds.
constexpr size_t kPieceBytes = size_t{8} << 20;

// Whether the CPU still has to compute `a`.
bool is_pending(const mx::array& a) {
  return a.status() == mx::array::Status::unscheduled && a.has_primitive() &&
         a.primitive().stream().device == mx::Device::cpu;
}

// Arrays after each of which the results since the last one take a piece's bytes, in the order in which libmlx computes
// them: inputs first.
std::deque<mx::array> piece_ends(const std::vector<mx::array>& outputs) {
  std::deque<mx::array> ends;
  std::unordered_set<std::uintptr_t> seen;
  std::vector<std::pair<const mx::array*, size_t>> path;  // with the number of the next input to look at
  size_t bytes = 0;
  auto enter = [&](const mx::array& a) {
    if (!is_pending(a) || !seen.insert(a.id()).second) return;
    for (const auto& sibling : a.siblings()) seen.insert(sibling.id());
    path.emplace_back(&a, 0);
  };
  for (const auto& output : outputs) {
    enter(output);
    while (!path.empty()) {
      auto& [a, next] = path.back();
      if (next < a->inputs().size()) {
        enter(a->inputs()[next++]);
        continue;
      }
      bytes += a->nbytes();
      for (const auto& sibling : a->siblings()) bytes += sibling.nbytes();
      if (bytes >= kPieceBytes) {
        ends.push_back(*a);
        bytes = 0;
      }
      path.pop_back();
    }
  }
  return ends;
}

}  // namespace

void eval_in_pieces(std::vector<mx::array> outputs) {
  // each end is let go before the next is computed, so that its memory can be used again
  for (auto ends = piece_ends(outputs); !ends.empty(); ends.pop_front()) mx::eval(ends.front());
  mx::eval(std::move(outputs));
}

}  // namespace abstractllm
