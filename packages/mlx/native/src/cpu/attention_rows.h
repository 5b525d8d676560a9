// Attention of a block of query rows over a range of keys, with a running softmax: scores are never stored whole.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cache_rows.h"
#include "kernel_set.h"

namespace abstractllm::cpu {

enum class MaskKind { none, bools, floats };

// All rows of a block share keys and values: they belong to the query heads of one key head.
struct AttentionRow {
  const float* q;    // [key_dims]
  const float* q_more;  // [more_dims]
  const void* mask;  // of key 0; null without mask
  int visible;       // keys before this one count
};

struct AttentionKeys {
  const void* k;  // key s at k + s * k_stride, its elements (cache_item) side by side; likewise values
  const void* v;
  int64_t k_stride, v_stride;
  CacheType type;
  int key_dims, value_dims;
  MaskKind mask_kind;
  int64_t mask_step;  // elements between the entries of two keys
  float scale;
  float cap;  // scores become cap * tanh(score / cap); 0 leaves them
  AffineFormat format = {};  // of affine rows, whose groups divide both dims
  const void* next = nullptr;  // keys that are read after these, if that is known
  // A second part of each key, in an array of its own: its product with `q_more` is added to the score. Not of affine rows.
  const void* k_more = nullptr;
  int64_t more_stride = 0;
  int more_dims = 0;

  int score_dims() const { return key_dims + more_dims; }
};

// The state of a running softmax: weighted `sums [rows][value_dims]`, the largest score and the sum of weights.
// The caller sets `most` and `total` before; `attend` starts `sums` itself.
struct AttentionState {
  float* sums;
  float* most;
  float* total;
};

// Most rows of one call.
constexpr int kAttentionRows = 64;

// Floats of scratch memory one call needs.
constexpr size_t attention_scratch(int score_dims, int value_dims) {
  constexpr size_t kKeys = 128;  // of one step, at most
  const size_t dims = static_cast<size_t>(score_dims) + static_cast<size_t>(value_dims);
  return kAttentionRows * (dims + kKeys + 1) + kKeys * dims + 64;
}

// Attends `count <= kAttentionRows` rows to keys [begin, end).
KERNEL(void, attend,
       (const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
        const AttentionState& state, float* scratch))

#if ABSTRACTLLM_X86
// The same with half as wide vectors for a few rows of floats, else as avx512::attend: where the processor computes wide
// ones in halves, moving numbers between their lanes costs more than it saves.
namespace avx512vl {
void attend(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
            const AttentionState& state, float* scratch);
}
#endif

// out = sums / total over `parts` states of one row, each over other keys. `sums[i]` has value_dims floats.
KERNEL(void, merge_attention,
       (const float* const* sums, const float* most, const float* total, int parts, int value_dims, float* out))

}  // namespace abstractllm::cpu
