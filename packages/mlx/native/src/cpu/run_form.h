// What all layers of one evaluation have in common.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "prepared_layer.h"
#include "quant_mode.h"

namespace abstractllm::cpu {

struct RunForm {
  size_t B, L;
  Rounding rounding;
  LayerPositions positions;
  size_t input_stride = 0;  // floats between the layers' own inputs of two positions

  size_t rows() const { return B * L; }
};

// The angles of a run's positions. Layers mostly turn alike.
class TurnTables {
 public:
  explicit TurnTables(const RunForm& form) : form_(form) {}

  // Before the tables of a layer are asked for.
  void prepare(const PreparedTurn& layer) {
    if (!(known_ && known_->turn == layer.turn && known_->freqs == layer.freqs)) make(layer);
  }

  // Of batch entry `b`.
  const RopeTable& at(size_t b) const { return *tables_[tables_.size() == 1 ? 0 : b]; }

 private:
  void make(const PreparedTurn& layer) {
    known_ = &layer;
    tables_.clear();
    for (int position : form_.positions.turns) {
      HeadTurn turn = layer.turn;
      turn.offset = position;
      tables_.push_back(turn.table(form_.L, layer.freqs));
    }
  }

  const RunForm& form_;
  const PreparedTurn* known_ = nullptr;
  std::vector<std::shared_ptr<const RopeTable>> tables_;
};

}  // namespace abstractllm::cpu
