#include "rope_table.h"

#include <cmath>
#include <deque>
#include <mutex>
#include <utility>

#include "mlx/backend/cpu/simd/simd.h"

namespace abstractllm::cpu {

namespace {

// A model with two kinds of layers in two engines asks for four tables in turn; long prompts make them large.
constexpr size_t kTables = 8;

// In libmlx's order of operations and with its own approximations: the last bit of a frequency is 1e-3 radians at
// position 30,000, and a model must not depend on which kernel turned its keys.
using Number = mlx::core::simd::Simd<float, 1>;

RopeTable compute(const RopeAngles& a) {
  const size_t half = static_cast<size_t>(a.half);
  std::vector<float> frequencies(half);
  const float step = a.base ? static_cast<float>(std::log(*a.base) / static_cast<float>(half)) : 0;
  for (size_t i = 0; i < half; i++) {
    frequencies[i] = a.base ? mlx::core::simd::exp(Number(-static_cast<float>(i) * step)).value : 1 / a.periods[i];
  }
  const size_t size = static_cast<size_t>(a.count) * half;
  RopeTable table{std::vector<float>(size), std::vector<float>(size)};
  for (size_t t = 0; t < static_cast<size_t>(a.count); t++) {
    const float position = (static_cast<float>(t) + static_cast<float>(a.start)) * a.scale;
    for (size_t i = 0; i < half; i++) {
      const Number angle(position * frequencies[i]);
      table.cosines[t * half + i] = mlx::core::simd::cos(angle).value;
      table.sines[t * half + i] = mlx::core::simd::sin(angle).value;
    }
  }
  return table;
}

}  // namespace

std::shared_ptr<const RopeTable> rope_table(const RopeAngles& angles) {
  using Entry = std::pair<RopeAngles, std::shared_ptr<const RopeTable>>;
  static std::mutex mutex;
  // never destroyed: streams may still run when the process ends
  static std::deque<Entry>& recent = *new std::deque<Entry>();
  {
    std::lock_guard lock(mutex);
    for (const Entry& entry : recent) {
      if (entry.first == angles) return entry.second;
    }
  }
  auto table = std::make_shared<const RopeTable>(compute(angles));
  std::lock_guard lock(mutex);
  if (recent.size() == kTables) recent.pop_back();
  recent.emplace_front(angles, table);
  return table;
}

}  // namespace abstractllm::cpu
