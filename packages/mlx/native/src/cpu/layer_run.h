// What a decoder's layer computes, over its buffers of keys and values.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "attention_plan.h"
#include "cache_append.h"
#include "prepared_layer.h"
#include "quant_mode.h"

namespace abstractllm::cpu {

// What all layers of one evaluation have in common.
struct RunForm {
  size_t B, L;
  Rounding rounding;
  LayerPositions positions;

  size_t rows() const { return B * L; }
};

// The angles of a run's positions. Layers mostly turn alike.
class TurnTables {
 public:
  explicit TurnTables(const RunForm& form) : form_(form) {}

  // Before the tables of a layer are asked for.
  void prepare(const PreparedLayer& layer) {
    if (!(known_ && known_->turn == layer.turn && known_->freqs == layer.freqs)) make(layer);
  }

  // Of batch entry `b`.
  const RopeTable& at(size_t b) const { return *tables_[tables_.size() == 1 ? 0 : b]; }

 private:
  void make(const PreparedLayer& layer) {
    known_ = &layer;
    tables_.clear();
    for (int position : form_.positions.turns) {
      HeadTurn turn = layer.turn;
      turn.offset = position;
      tables_.push_back(turn.table(form_.L, layer.freqs));
    }
  }

  const RunForm& form_;
  const PreparedLayer* known_ = nullptr;
  std::vector<std::shared_ptr<const RopeTable>> tables_;
};

// One layer over its buffers of keys and values.
struct LayerRun {
  std::shared_ptr<const PreparedLayer> layer;
  CacheAppend keys, values;  // their rows are in a thread's memory: set when it runs
  AttentionProblem attention;

  // For L positions whose rows go to `span`; the one it is made from is for one, at the beginning.
  LayerRun at(int L, RowSpan span) const;

  // Without an MLP `out` must not be `x`.
  void run(const RunForm& form, TurnTables& tables, const float* x, float* out) const;
};

// Over buffers that are computed and may be written.
LayerRun run_over(const std::shared_ptr<const PreparedLayer>& layer, const mx::array& keys, const mx::array& values,
                  const std::optional<AffineFormat>& format);

}  // namespace abstractllm::cpu
