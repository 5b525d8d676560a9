// What a decoder's layer computes, over the buffers in which it goes on.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "attention_run.h"
#include "recurrent_room.h"

namespace abstractllm::cpu {

struct LayerRun {
  std::shared_ptr<const PreparedLayer> layer;
  std::variant<std::monostate, AttentionRoom, RecurrentRoom> room;  // nothing without a mixer

  // For L positions whose keys and values go to `span`; the one it is made from is for one, at the beginning.
  LayerRun at(int L, RowSpan span) const;

  // `out` may be `x`. `input` is that of the layer for the first position, where it has one.
  void run(const RunForm& form, TurnTables& tables, const float* x, const float* input, float* out) const;
};

// Over buffers that are computed and may be written: of keys and values, or what a recurrent layer goes on from.
LayerRun run_over(const std::shared_ptr<const PreparedLayer>& layer, const mx::array& first, const mx::array& second,
                  const std::optional<AffineFormat>& format);

}  // namespace abstractllm::cpu
