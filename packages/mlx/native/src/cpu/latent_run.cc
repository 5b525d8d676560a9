#include "latent_run.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "head_steps.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Numbers between the steps, for M rows.
struct LatentMemory {
  float *squeezed, *q, *narrow, *found;

  LatentMemory(const PreparedLatent& l, size_t M) {
    const size_t sizes[] = {M * l.q_a.N, M * l.queries(), M * l.kv_a.N, M * l.H * std::max(l.R, l.V)};
    std::tie(squeezed, q, narrow, found) = std::tuple_cat(scratch_arrays<LatentMemory>(sizes));
  }
};

// Queries without what turns, queries in the space of latents, and what is found there and then: [H, M, ...]. One row has its
// heads in that order anyway.
struct AbsorbedMemory {
  float *still, *absorbed, *found, *values;

  AbsorbedMemory(const PreparedLatent& l, size_t M) {
    const size_t sizes[] = {l.H * M * l.still, l.H * M * l.R, M == 1 ? 0 : l.H * M * l.R, l.H * M * l.V};
    std::tie(still, absorbed, found, values) = std::tuple_cat(scratch_arrays<AbsorbedMemory>(sizes));
  }
};

// What becomes of latents, each head's key before its value, and keys with what turns.
struct ExpandedMemory {
  float *both, *keys;

  ExpandedMemory(const PreparedLatent& l, size_t M) {
    const size_t sizes[] = {M * l.kv_b.N, M * l.queries()};
    std::tie(both, keys) = std::tuple_cat(scratch_arrays<ExpandedMemory>(sizes));
  }
};

constexpr auto kMadeBefore = [](size_t) {};

// What one run does, in order.
class LatentSteps {
 public:
  LatentSteps(const PreparedLatent& layer, const AttentionRoom& room, const RunForm& form, TurnTables& tables)
      : layer_(layer), room_(room), form_(form), tables_(tables), memory_(layer, form.rows()) {}

  void run(const NormedRows& rows, const float* addend, float* out) {
    project(rows);
    if (layer_.turn.dims > 0) tables_.prepare(layer_);
    if (layer_.is_absorbed()) attend_to_latents(addend, out);
    else attend_to_keys(addend, out);
  }

 private:
  // From rows to queries, and to latents and the keys' features that turn, side by side.
  void project(const NormedRows& rows) const {
    const PreparedLatent& l = layer_;
    const Rows x = rows.rows();
    const auto make = [&](size_t m) { rows.make(m); };
    const Wanted kv_a{l.kv_a, memory_.narrow};
    if (!l.is_squeezed()) return multiply({{l.q, memory_.q}, kv_a}, x, form_.rounding, make);
    multiply({{l.q_a, memory_.squeezed}, kv_a}, x, form_.rounding, make);
    const size_t N = l.q_a.N;
    multiply({{l.q, memory_.q}}, {memory_.squeezed, x.M, N}, form_.rounding,
             [&](size_t m) { norm_rows(memory_.squeezed + m * N, l.query_norm, memory_.squeezed + m * N, 1, N, l.eps); });
  }

  void norm_latent(size_t m) const {
    float* latent = memory_.narrow + m * layer_.kv_a.N;
    norm_rows(latent, layer_.latent_norm, latent, 1, layer_.R, layer_.eps);
  }

  // Of batch entry `b`.
  void turn(size_t b) const {
    const PreparedLatent& l = layer_;
    const size_t first = b * form_.L;
    float *q = memory_.q + first * l.queries(), *narrow = memory_.narrow + first * l.kv_a.N;
    if (l.turn.dims > 0) {
      grow_and_turn({q + l.still, l.H, l.D()}, form_.L, l, tables_.at(b));
      grow_and_turn({narrow + l.R, 1, l.kv_a.N}, form_.L, l, tables_.at(b));
    }
    if (l.query_growth) grow_queries(*l.query_growth, form_, b, q, l.queries());
  }

  // Calls `body(b)` for the entries of the batch.
  template <typename Body>
  void for_each_entry(const Body& body) const {
    parallel_for(form_.B, 1, [&](size_t begin, size_t end) {
      for (size_t b = begin; b < end; b++) body(b);
    });
  }

  // Rows [B, L, ...] of keys and values from these on, to the buffers.
  void append(size_t b, const float* keys, const float* values) const {
    CacheAppend new_keys = room_.keys, new_values = room_.values;
    new_keys.from = reinterpret_cast<const char*>(keys);
    new_values.from = reinterpret_cast<const char*>(values);
    new_keys.run_entry(static_cast<int>(b));
    new_values.run_entry(static_cast<int>(b));
  }

  void attend(AttentionProblem& problem) const {
    problem.out = memory_.found;
    problem.first = form_.positions.first.empty() ? nullptr : form_.positions.first.data();
    run_attention(problem);
  }

  void attend_to_latents(const float* addend, float* out) const {
    const PreparedLatent& l = layer_;
    const size_t M = form_.rows(), H = l.H;
    for_each_entry([&](size_t b) {
      for (size_t i = 0; i < form_.L; i++) norm_latent(b * form_.L + i);
      turn(b);
      append(b, memory_.narrow, memory_.narrow + l.R);
    });
    const AbsorbedMemory a(l, M);
    multiply_heads(l.embed, a.still, l.still, a.absorbed, [&](size_t i) {
      std::copy_n(memory_.q + (i % M * H + i / M) * l.D(), l.still, a.still + i * l.still);
    });
    AttentionProblem problem = room_.problem;
    problem.q = a.absorbed, problem.q_strides[1] = static_cast<int64_t>(M * l.R);
    problem.q_more = memory_.q + l.still;
    attend(problem);
    const bool is_in_order = M == 1;
    multiply_heads(l.unembed, is_in_order ? memory_.found : a.found, l.R, a.values, [&](size_t i) {
      if (!is_in_order) std::copy_n(memory_.found + (i % M * H + i / M) * l.R, l.R, a.found + i * l.R);
    });
    if (is_in_order) return multiply({{l.o, out, addend}}, {a.values, M, l.found()}, form_.rounding, kMadeBefore);
    multiply({{l.o, out, addend}}, {memory_.found, M, l.found()}, form_.rounding, [&](size_t m) {
      for (size_t h = 0; h < H; h++) std::copy_n(a.values + (h * M + m) * l.V, l.V, memory_.found + (m * H + h) * l.V);
    });
  }

  // Rows [H, M, K] times the matrices of heads, [H, M, N].
  template <typename Make>
  void multiply_heads(const QuantProduct& stack, const float* x, size_t K, float* out, const Make& make) const {
    const size_t M = form_.rows();
    std::vector<PartProduct> heads;
    for (size_t h = 0; h < layer_.H; h++) {
      heads.push_back({{matrix_in_stack(stack, h), stack.N, out + h * M * stack.N}, h * M, M});
    }
    quant_products(heads, {x, layer_.H * M, K}, form_.rounding, make);
  }

  void attend_to_keys(const float* addend, float* out) const {
    const PreparedLatent& l = layer_;
    const size_t M = form_.rows();
    const ExpandedMemory e(l, M);
    multiply({{l.kv_b, e.both}}, {memory_.narrow, M, l.kv_a.N}, form_.rounding, [&](size_t m) { norm_latent(m); });
    for_each_entry([&](size_t b) {
      turn(b);
      for (size_t m = b * form_.L; m < (b + 1) * form_.L; m++) join_keys(m, e);
      append(b, e.keys, e.both + l.still);
    });
    AttentionProblem problem = room_.problem;
    problem.q = memory_.q;
    attend(problem);
    multiply({{l.o, out, addend}}, {memory_.found, M, l.found()}, form_.rounding, kMadeBefore);
  }

  // Both parts of the keys of row `m`.
  void join_keys(size_t m, const ExpandedMemory& e) const {
    const PreparedLatent& l = layer_;
    const float* turned = memory_.narrow + m * l.kv_a.N + l.R;
    for (size_t head = m * l.H; head < (m + 1) * l.H; head++) {
      float* key = e.keys + head * l.D();
      std::copy_n(e.both + head * (l.still + l.V), l.still, key);
      std::copy_n(turned, l.turned, key + l.still);
    }
  }

  const PreparedLatent& layer_;
  const AttentionRoom& room_;
  const RunForm& form_;
  TurnTables& tables_;
  const LatentMemory memory_;
};

AttentionRoom absorbed_room(const PreparedLatent& layer, const mx::array& latents, const mx::array& turned) {
  const size_t H = layer.H, R = layer.R, D = layer.D();
  AttentionProblem p = problem_over(H, R, R, latents, latents, std::nullopt);
  p.keys.scale = layer.scale;
  // rows of one head behind each other
  p.q_strides[0] = p.q_strides[2] = static_cast<int64_t>(R);
  const int64_t queries = static_cast<int64_t>(H * D);
  p.q_more_strides[0] = queries, p.q_more_strides[1] = static_cast<int64_t>(D), p.q_more_strides[2] = queries;
  std::copy_n(turned.strides().begin(), 3, p.more_strides);
  p.keys.k_more = turned.data<void>(), p.keys.more_stride = turned.strides(2);
  p.keys.more_dims = static_cast<int>(layer.turned);
  return {append_to(latents, R, layer.kv_a.N, std::nullopt), append_to(turned, layer.turned, layer.kv_a.N, std::nullopt), p};
}

}  // namespace

AttentionRoom latent_room(const PreparedLatent& layer, const mx::array& keys, const mx::array& values,
                          const std::optional<AffineFormat>& format) {
  if (layer.is_absorbed()) return absorbed_room(layer, keys, values);
  AttentionProblem problem = problem_over(layer.H, layer.D(), layer.V, keys, values, format);
  problem.keys.scale = layer.scale;
  return {append_to(keys, layer.D(), layer.queries(), format), append_to(values, layer.V, layer.kv_b.N, format), problem};
}

void run_latent_layer(const PreparedLatent& layer, const AttentionRoom& room, const RunForm& form, TurnTables& tables,
                      const NormedRows& rows, const float* addend, float* out) {
  LatentSteps(layer, room, form, tables).run(rows, addend, out);
}

}  // namespace abstractllm::cpu
