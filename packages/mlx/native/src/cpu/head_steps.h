// What happens to heads between their products and attention.
#pragma once

#include <cmath>

#include "run_form.h"

namespace abstractllm::cpu {

// Turns the heads of L positions, the first of which is that of the table; what turns grows before.
inline void grow_and_turn(const Heads& heads, size_t L, const PreparedTurn& turn, const RopeTable& table) {
  const size_t turning = static_cast<size_t>(turn.turn.dims);
  for (size_t i = 0; turn.growth != 1 && i < L * heads.count; i++) {
    for (size_t d = 0; d < turning; d++) heads.data[i * heads.dims + d] *= turn.growth;
  }
  turn_heads(heads, L, L, turn.turn, table);
}

// Of batch entry `b`, whose queries are rows of N numbers from `q` on.
inline void grow_queries(const QueryGrowth& growth, const RunForm& form, size_t b, float* q, size_t N) {
  const std::vector<int>& turns = form.positions.turns;
  const int first = turns[turns.size() == 1 ? 0 : b];
  for (size_t i = 0; i < form.L; i++, q += N) {
    const float position = static_cast<float>(first) + static_cast<float>(i);
    const float factor = 1 + growth.beta * std::log1p(std::floor(position / growth.trained));
    for (size_t n = 0; factor != 1 && n < N; n++) q[n] *= factor;
  }
}

}  // namespace abstractllm::cpu
