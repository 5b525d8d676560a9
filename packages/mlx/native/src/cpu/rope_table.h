// Cosines and sines of rotary position embeddings, kept between the layers of a model.
#pragma once

#include <memory>
#include <optional>
#include <vector>

namespace abstractllm::cpu {

// What the angles of a run of positions depend on.
struct RopeAngles {
  int half;                     // pairs of features
  std::optional<float> base;    // or else:
  std::vector<float> periods;   // wavelengths / 2 pi, `half` of them
  float scale;
  int start;                    // first position
  int count;                    // positions
  bool operator==(const RopeAngles&) const = default;
};

// Row `t` of each is position `start + t`, `half` long.
struct RopeTable {
  std::vector<float> cosines, sines;
};

// Computes a table or finds a recent equal one. Thread-safe.
std::shared_ptr<const RopeTable> rope_table(const RopeAngles& angles);

}  // namespace abstractllm::cpu
