#include "attention_run.h"

#include <algorithm>
#include <tuple>

#include "activation_rows.h"
#include "dispatch.h"
#include "head_steps.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Numbers between the steps, for M rows. Without gates `q` and `product` are the same.
struct AttentionMemory {
  float *product, *q, *k, *v, *found;

  AttentionMemory(const PreparedAttention& l, size_t M) {
    const size_t values = l.keys == KeySource::own ? l.v.N : l.k.N;
    const size_t sizes[] = {M * l.q.N, l.is_gated ? M * l.queries() : 0, M * l.k.N, M * values, M * l.found()};
    std::tie(product, q, k, v, found) = std::tuple_cat(scratch_arrays<AttentionMemory>(sizes));
    if (!l.is_gated) q = product;
  }
};

// Numbers of heads that one thread finishes in a microsecond or two.
constexpr size_t kHeadNumbersPerRange = 2048;

// What one run does, in order.
class AttentionSteps {
 public:
  AttentionSteps(const PreparedAttention& layer, const AttentionRoom& room, const RunForm& form, TurnTables& tables, float eps)
      : layer_(layer), room_(room), form_(form), tables_(tables), eps_(eps), memory_(layer, form.rows()) {}

  void make_heads(const NormedRows& rows) const {
    const PreparedAttention& l = layer_;
    const auto make = [&](size_t m) { rows.make(m); };
    const Wanted q{l.q, memory_.product}, k{l.k, memory_.k}, v{l.v, memory_.v};
    const Rows x = rows.rows();
    if (l.keys == KeySource::own) return multiply({q, k, v}, x, form_.rounding, make);
    if (l.keys == KeySource::values_too) return multiply({q, k}, x, form_.rounding, make);
    multiply({q}, x, form_.rounding, make);
  }

  // From products to queries in memory, and keys and values in their caches.
  void finish_heads() const {
    const PreparedAttention& l = layer_;
    CacheAppend new_keys = room_.keys, new_values = room_.values;
    new_keys.from = reinterpret_cast<const char*>(memory_.k);
    new_values.from = reinterpret_cast<const char*>(memory_.v);
    const bool is_turned = l.turn.dims > 0;
    if (is_turned) tables_.prepare(l);
    const size_t numbers = form_.L * (l.q.N + l.k.N + l.v.N);  // of an entry
    parallel_for(form_.B, std::max<size_t>(1, kHeadNumbersPerRange / numbers), [&](size_t begin, size_t end) {
      for (size_t b = begin; b < end; b++) {
        const RopeTable* table = is_turned ? &tables_.at(b) : nullptr;
        take_queries(b);
        finish_rows({memory_.q, l.H, l.D, l.q_norm}, b, table);
        if (l.query_growth) grow_queries(*l.query_growth, form_, b, memory_.q + b * form_.L * l.queries(), l.queries());
        if (l.keys == KeySource::shared) continue;
        finish_values(b);
        add(l.k_row, memory_.k, l.k.N, b);
        finish_rows({memory_.k, l.K, l.D, l.k_norm}, b, table);
        new_keys.run_entry(static_cast<int>(b));
        new_values.run_entry(static_cast<int>(b));
      }
    });
  }

  void attend() const {
    AttentionProblem problem = room_.problem;
    problem.q = memory_.q;
    problem.out = memory_.found;
    const std::vector<int>& first = form_.positions.first;
    problem.first = first.empty() ? nullptr : first.data();
    if (room_.window == 0 || problem.S <= room_.window) return run_attention(problem);
    attend_in_window(problem);
  }

  void output(const float* addend, float* out) const {
    const PreparedAttention& l = layer_;
    const Rows found{memory_.found, form_.rows(), l.found()};
    if (!l.is_gated) return multiply({{l.o, out, addend}}, found, form_.rounding, [](size_t) {});
    multiply({{l.o, out, addend}}, found, form_.rounding, [&](size_t m) { let_through(m); });
  }

 private:
  // Heads of one matrix, and what happens to them.
  struct HeadRows {
    float* rows;
    size_t count, dims;
    const float* norm;  // null without
  };

  void add(const float* addend, float* rows, size_t N, size_t b) const {
    for (size_t i = 0; addend && i < form_.L; i++) add_row(addend, rows + (b * form_.L + i) * N, N);
  }

  // Each position by itself, as the rows that it sees begin elsewhere.
  void attend_in_window(AttentionProblem problem) const {
    const std::vector<int>& hidden = form_.positions.first;
    std::vector<int> first(form_.B);
    problem.first = first.data();
    const int end = problem.S, L = problem.L;
    problem.L = 1, problem.is_causal = false;
    for (int i = 0; i < L; i++) {
      problem.S = end - L + 1 + i;
      for (size_t b = 0; b < form_.B; b++) first[b] = std::max(problem.S - room_.window, hidden.empty() ? 0 : hidden[b]);
      problem.q = memory_.q + i * problem.q_strides[2];
      problem.out = memory_.found + i * layer_.found();
      run_attention(problem);
    }
  }

  void take_queries(size_t b) const {
    const PreparedAttention& l = layer_;
    add(l.q_row, memory_.product, l.q.N, b);
    const size_t first = b * form_.L * l.H;
    for (size_t head = first; l.is_gated && head < first + form_.L * l.H; head++) {
      std::copy_n(memory_.product + 2 * head * l.D, l.D, memory_.q + head * l.D);
    }
  }

  void finish_values(size_t b) const {
    const PreparedAttention& l = layer_;
    const size_t N = l.K * l.value_dims, first = b * form_.L * N;
    if (l.keys == KeySource::values_too) std::copy_n(memory_.k + first, form_.L * N, memory_.v + first);
    add(l.v_row, memory_.v, N, b);
    float* rows = memory_.v + first;
    if (l.are_values_normed) norm_rows(rows, nullptr, rows, form_.L * l.K, l.value_dims, eps_);
  }

  // Those of batch entry `b`; turned where there is a table.
  void finish_rows(const HeadRows& heads, size_t b, const RopeTable* table) const {
    float* rows = heads.rows + b * form_.L * heads.count * heads.dims;
    if (!layer_.are_heads_normed_last) norm(heads, rows);
    if (table) grow_and_turn({rows, heads.count, heads.dims}, form_.L, layer_, *table);
    if (layer_.are_heads_normed_last) norm(heads, rows);
  }

  // By head, or all heads of a position at once.
  void norm(const HeadRows& heads, float* rows) const {
    if (!heads.norm) return;
    const size_t parts = layer_.are_rows_normed ? 1 : heads.count;
    norm_rows(rows, heads.norm, rows, form_.L * parts, heads.count / parts * heads.dims, eps_);
  }

  // What the heads of row `m` found, as far as their gates let it.
  void let_through(size_t m) const {
    auto gate = PICK_KERNEL(sigmoid_gate_row);
    const size_t D = layer_.D, H = layer_.H;
    for (size_t head = m * H; head < (m + 1) * H; head++) {
      float* found = memory_.found + head * D;
      gate(memory_.product + (2 * head + 1) * D, found, found, D);
    }
  }

  const PreparedAttention& layer_;
  const AttentionRoom& room_;
  const RunForm& form_;
  TurnTables& tables_;
  const float eps_;
  const AttentionMemory memory_;
};

}  // namespace

CacheAppend append_to(const mx::array& buffer, size_t D, size_t stride, const std::optional<AffineFormat>& format) {
  const int64_t row = static_cast<int64_t>(stride);
  const int sizes[] = {buffer.shape(0), buffer.shape(1), 1, static_cast<int>(D)};
  const int64_t strides[] = {row, row / buffer.shape(1), row};
  return cache_append(nullptr, mx::float32, sizes, strides, buffer, 0, format);
}

AttentionProblem problem_over(size_t heads, size_t dims, size_t value_dims, const mx::array& keys, const mx::array& values,
                              const std::optional<AffineFormat>& format) {
  const int64_t H = static_cast<int64_t>(heads), D = static_cast<int64_t>(dims);
  AttentionProblem p{};
  p.B = keys.shape(0), p.H = static_cast<int>(H), p.K = keys.shape(1);
  p.q_strides[0] = H * D, p.q_strides[1] = D, p.q_strides[2] = H * D;
  std::copy_n(keys.strides().begin(), 3, p.k_strides);
  std::copy_n(values.strides().begin(), 3, p.v_strides);
  p.keys = {keys.data<void>(), values.data<void>(), keys.strides(2), values.strides(2), cache_type(keys.dtype()),
            static_cast<int>(D), static_cast<int>(value_dims), MaskKind::none, 0, 1, 0};
  if (format) p.keys.type = CacheType::affine, p.keys.format = *format;
  return p;
}

AttentionRoom AttentionRoom::at(int L, RowSpan span) const {
  AttentionRoom room = *this;
  for (CacheAppend* append : {&room.keys, &room.values}) {
    append->to += span.start * append->to_strides[2];
    append->from_strides[0] = L * append->from_strides[2];
    append->sizes[2] = L;
  }
  AttentionProblem& p = room.problem;
  p.L = L, p.S = span.end, p.is_causal = L > 1;
  room.window = span.window;
  p.q_strides[0] = L * p.q_strides[2];
  p.q_more_strides[0] = L * p.q_more_strides[2];
  return room;
}

AttentionRoom attention_room(const PreparedAttention& layer, const mx::array& keys, const mx::array& values,
                             const std::optional<AffineFormat>& format) {
  AttentionProblem problem = problem_over(layer.H, layer.D, layer.value_dims, keys, values, format);
  problem.sinks = layer.sinks, problem.sinks_stride = 1;
  problem.keys.scale = layer.scale, problem.keys.cap = layer.cap;
  return {append_to(keys, layer.D, layer.K * layer.D, format),
          append_to(values, layer.value_dims, layer.K * layer.value_dims, format), problem};
}

void run_attention_layer(const PreparedAttention& layer, const AttentionRoom& room, const RunForm& form, TurnTables& tables,
                         const NormedRows& rows, const float* addend, float* out) {
  const AttentionSteps steps(layer, room, form, tables, rows.eps);
  steps.make_heads(rows);
  steps.finish_heads();
  steps.attend();
  steps.output(addend, out);
}

}  // namespace abstractllm::cpu
