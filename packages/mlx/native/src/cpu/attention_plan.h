// How one attention is cut into pieces of work for threads.
#pragma once

#include "attention_rows.h"
#include "mlx/dtype.h"

namespace abstractllm::cpu {

// Pointers, sizes and strides of one attention. Letters: B batch, H query heads, K key heads, L query and S key
// positions. Strides count elements of axes [B, heads, positions]; features lie side by side.
struct AttentionProblem {
  int B, H, K, L, S;
  const float* q;
  int64_t q_strides[3];
  const float* q_more;  // of keys in two parts (attention_rows.h), likewise
  int64_t q_more_strides[3];
  int64_t k_strides[3];
  int64_t v_strides[3];
  int64_t more_strides[3];  // of the second parts of keys
  const void* mask;  // [B, H, L, S] by its strides
  int64_t mask_strides[4];
  const float* sinks;  // null, or [H] by its stride
  int64_t sinks_stride;
  bool is_causal;  // query l sees keys up to S - L + l
  const int* first;  // null, or the first key that each batch entry sees, where L is 1
  bool is_coarse;  // whether rows need only be right on average; not of keys in two parts
  AttentionKeys keys;  // of batch entry 0 and head 0
  float* out;          // [B, L, H, value_dims]
};

// Of float32, float16 or bfloat16.
inline CacheType cache_type(mlx::core::Dtype d) {
  if (d == mlx::core::float16) return CacheType::f16;
  return d == mlx::core::bfloat16 ? CacheType::bf16 : CacheType::f32;
}

// Computes it on the calling thread and the pool's.
void run_attention(const AttentionProblem& problem);

}  // namespace abstractllm::cpu
