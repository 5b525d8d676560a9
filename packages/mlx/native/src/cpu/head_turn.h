// Rotary embedding of whole heads, in place.
#pragma once

#include <cstddef>
#include <optional>

#include "rope_table.h"

namespace abstractllm::cpu {

// What a node knows of its rotation; frequencies that are no powers of a base are an array beside it.
struct HeadTurn {
  int dims;
  bool traditional;
  std::optional<float> base;
  float scale;
  int offset;
  bool operator==(const HeadTurn&) const = default;

  // The table of `length` positions from the first; `freqs` where there is no base.
  std::shared_ptr<const RopeTable> table(size_t length, const float* freqs) const;
};

// Heads in memory of the order [positions, heads, D].
struct Heads {
  float* data;
  size_t count;
  size_t dims;
};

// Turns the heads of `positions`, of which each `length` start at the first of the table.
void turn_heads(const Heads& heads, size_t positions, size_t length, const HeadTurn& turn, const RopeTable& table);

}  // namespace abstractllm::cpu
