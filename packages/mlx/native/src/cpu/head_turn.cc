#include "head_turn.h"

#include <algorithm>

#include "rope_rows.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

std::shared_ptr<const RopeTable> HeadTurn::table(size_t length, const float* freqs) const {
  RopeAngles angles{dims / 2, base, {}, scale, offset, static_cast<int>(length)};
  if (!base) angles.periods.assign(freqs, freqs + angles.half);
  return rope_table(angles);
}

void turn_heads(const Heads& heads, size_t positions, size_t length, const HeadTurn& turn, const RopeTable& table) {
  auto kernel = PICK_KERNEL(rope_row);
  const size_t half = static_cast<size_t>(turn.dims) / 2, row = heads.count * heads.dims;
  parallel_for(positions, std::max<size_t>(1, kElementsPerRange / row), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      const size_t at = i % length * half;
      for (size_t h = 0; h < heads.count; h++) {
        float* x = heads.data + i * row + h * heads.dims;
        kernel(x, &table.cosines[at], &table.sines[at], x, half, turn.traditional);
      }
    }
  });
}

}  // namespace abstractllm::cpu
