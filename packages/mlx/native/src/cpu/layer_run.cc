#include "layer_run.h"

#include <algorithm>
#include <tuple>

#include "activation_rows.h"
#include "dispatch.h"
#include "expert_mlp.h"
#include "norm_rows.h"
#include "quant_layer.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Numbers between the steps of a layer, for M rows.
struct LayerMemory {
  float *normed, *q, *k, *v, *found, *h, *gate, *up, *low;

  LayerMemory(const PreparedLayer& l, size_t M) {
    const size_t F = l.has_mlp && !l.experts ? l.gate.N : 0, found_width = l.H * l.value_dims;
    const size_t ranks =
        std::max({l.q.rank() + l.k.rank() + l.v.rank(), l.o.rank(), l.gate.rank() + l.up.rank(), l.down.rank()});
    const size_t sizes[] = {M * l.E, M * l.E, M * l.q.N, M * l.k.N, M * l.v.N, M * found_width, M * F, M * F, M * ranks};
    std::tie(normed, h, q, k, v, found, gate, up, low) = std::tuple_cat(scratch_arrays<LayerMemory>(sizes));
  }
};

// Numbers of heads that one thread finishes in a microsecond or two.
constexpr size_t kHeadNumbersPerRange = 2048;

void add_row(const float* addend, float* to, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] += addend[i];
}

void norm_rows(const float* x, const float* weight, float* out, size_t rows, size_t n, float eps) {
  auto norm = PICK_KERNEL(rms_norm_row);
  for (size_t i = 0; i < rows; i++) norm(x + i * n, weight, out + i * n, n, eps);
}

// A matrix whose product is wanted, where, and what is added to it.
struct Wanted {
  const LayerMatrix& matrix;
  float* out;
  const float* addend = nullptr;

  bool has_late_addend() const { return addend && matrix.update; }  // adapters scale the product alone
  QuantProduct product() const { return {matrix.w, matrix.N, out, has_late_addend() ? nullptr : addend}; }
};

// What one run does, in order.
class LayerSteps {
 public:
  LayerSteps(const LayerRun& run, const RunForm& form, TurnTables& tables)
      : run_(run), layer_(*run.layer), form_(form), tables_(tables) {}

  void run(const float* x, float* out) const {
    const PreparedLayer& l = layer_;
    const size_t M = form_.rows(), E = l.E;
    const LayerMemory memory(l, M);
    make_heads(memory, x);
    finish_heads(memory);
    attend(memory);
    float* h = l.has_mlp ? memory.h : out;
    const bool is_late = is_joined_late(l.attention_norm_after);
    multiply({{l.o, h, is_late ? nullptr : x}}, {memory.found, M, l.H * l.value_dims}, [](size_t) {}, memory.low);
    const auto finish = [&](size_t m) {
      if (l.o_row) add_row(l.o_row, h + m * E, E);
      if (is_late) join(h + m * E, l.attention_norm_after, x + m * E);
    };
    if (l.has_mlp) return feed_forward(memory, finish, out);
    for (size_t m = 0; m < M; m++) finish(m);
  }

 private:
  // Whether more is done to what is added to the residual stream than a product does.
  bool is_joined_late(const float* norm) const { return norm || layer_.residual != 1; }

  // `row`, normed where there is a norm, and multiplied, joins another.
  void join(float* row, const float* norm, const float* other) const {
    if (norm) norm_rows(row, norm, row, 1, layer_.E, layer_.eps);
    for (size_t i = 0; i < layer_.E; i++) row[i] = other[i] + layer_.residual * row[i];
  }

  // Products with the rows that `make` puts where `x` lies, and what adapters make of them. `low` is room for that.
  template <size_t count, typename Make>
  void multiply(const Wanted (&wanted)[count], const Rows& x, const Make& make, float* low) const {
    QuantProduct products[count];
    LowRankProduct added[count];
    size_t updates = 0;
    for (size_t i = 0; i < count; i++) {
      const LayerMatrix& matrix = wanted[i].matrix;
      products[i] = wanted[i].product();
      if (!matrix.update) continue;
      added[updates++] = {*matrix.update, wanted[i].out, low};
      low += x.M * matrix.rank();
    }
    quant_products(products, x, form_.rounding, make);
    add_low_rank({added, updates}, x);
    for (const Wanted& w : wanted) {
      if (w.has_late_addend()) add_rows(w.addend, false, w.out, x.M, w.matrix.N);
    }
  }

  void make_heads(const LayerMemory& m, const float* x) const {
    const PreparedLayer& l = layer_;
    auto norm = PICK_KERNEL(rms_norm_row);
    const auto make = [&](size_t i) { norm(x + i * l.E, l.attention_norm, m.normed + i * l.E, l.E, l.eps); };
    multiply({{l.q, m.q}, {l.k, m.k}, {l.v, m.v}}, {m.normed, form_.rows(), l.E}, make, m.low);
  }

  // From products to queries in memory, and keys and values in their caches.
  void finish_heads(const LayerMemory& m) const {
    const PreparedLayer& l = layer_;
    CacheAppend new_keys = run_.keys, new_values = run_.values;
    new_keys.from = reinterpret_cast<const char*>(m.k);
    new_values.from = reinterpret_cast<const char*>(m.v);
    const bool is_turned = l.turn.dims > 0;
    if (is_turned) tables_.prepare(l);
    const size_t numbers = form_.L * (l.q.N + l.k.N + l.v.N);  // of an entry
    parallel_for(form_.B, std::max<size_t>(1, kHeadNumbersPerRange / numbers), [&](size_t begin, size_t end) {
      for (size_t b = begin; b < end; b++) {
        const RopeTable* table = is_turned ? &tables_.at(b) : nullptr;
        finish_head_rows({m.q, l.H, l.q, l.q_row, l.q_norm}, b, table);
        finish_head_rows({m.k, l.K, l.k, l.k_row, l.k_norm}, b, table);
        finish_head_rows({m.v, l.K, l.v, l.v_row, nullptr}, b, nullptr);
        new_keys.run_entry(static_cast<int>(b));
        new_values.run_entry(static_cast<int>(b));
      }
    });
  }

  // Products of one matrix, and what happens to them.
  struct HeadRows {
    float* rows;
    size_t count;  // heads
    const QuantProduct& product;
    const float *addend, *norm;  // null without
  };

  // Those of batch entry `b`; turned where there is a table.
  void finish_head_rows(const HeadRows& heads, size_t b, const RopeTable* table) const {
    const PreparedLayer& l = layer_;
    const size_t N = heads.product.N;
    float* rows = heads.rows + b * form_.L * N;
    if (heads.addend) {
      for (size_t i = 0; i < form_.L; i++) add_row(heads.addend, rows + i * N, N);
    }
    if (heads.norm) norm_rows(rows, heads.norm, rows, form_.L * heads.count, l.D, l.eps);
    if (table) turn_heads({rows, heads.count, l.D}, form_.L, form_.L, l.turn, *table);
  }

  void attend(const LayerMemory& m) const {
    AttentionProblem problem = run_.attention;
    problem.q = m.q;
    problem.out = m.found;
    problem.first = form_.positions.first.empty() ? nullptr : form_.positions.first.data();
    run_attention(problem);
  }

  // `finish_h(i)` makes row `i` of what the MLP reads.
  template <typename Finish>
  void feed_forward(const LayerMemory& m, const Finish& finish_h, float* out) const {
    const PreparedLayer& l = layer_;
    const bool is_late = is_joined_late(l.mlp_norm_after);
    run_mlp(m, finish_h, is_late ? nullptr : m.h, out);
    for (size_t i = 0; is_late && i < form_.rows(); i++) join(out + i * l.E, l.mlp_norm_after, m.h + i * l.E);
  }

  // What the MLP gives, and `addend`.
  template <typename Finish>
  void run_mlp(const LayerMemory& m, const Finish& finish_h, const float* addend, float* out) const {
    const PreparedLayer& l = layer_;
    const size_t M = form_.rows(), E = l.E;
    auto norm = PICK_KERNEL(rms_norm_row);
    const auto make = [&](size_t i) {
      finish_h(i);
      norm(m.h + i * E, l.mlp_norm, m.normed + i * E, E, l.eps);
    };
    const Rows x{m.normed, M, E};
    if (l.experts) return run_experts(*l.experts, x, make, m.h, form_.rounding, out);
    const GatedActivation activation{l.is_geglu ? PICK_KERNEL(geglu_row) : PICK_KERNEL(swiglu_row)};
    const Wanted gate{l.gate, m.gate}, up{l.up, m.up}, down{l.down, out, addend};
    if (!l.gate.update && !l.up.update && !l.down.update) {
      return gated_products({gate.product(), up.product(), down.product(), activation}, x, form_.rounding, make);
    }
    const size_t F = l.gate.N;
    multiply({gate, up}, x, make, m.low);
    const auto activate = [&](size_t i) { activation(m.gate + i * F, m.up + i * F, m.gate + i * F, F); };
    multiply({down}, {m.gate, M, F}, activate, m.low);
  }

  const LayerRun& run_;
  const PreparedLayer& layer_;
  const RunForm& form_;
  TurnTables& tables_;
};

// A row of D keys or values in the order [B, 1, K, D], to the first of `buffer`.
CacheAppend append_to(const mx::array& buffer, size_t D, const std::optional<AffineFormat>& format) {
  const int B = buffer.shape(0), K = buffer.shape(1), dims = static_cast<int>(D);
  const int sizes[] = {B, K, 1, dims};
  const int64_t strides[] = {int64_t{K} * dims, dims, int64_t{K} * dims};
  return cache_append(nullptr, mx::float32, sizes, strides, buffer, 0, format);
}

AttentionProblem attention_over(const PreparedLayer& layer, const mx::array& keys, const mx::array& values,
                                const std::optional<AffineFormat>& format) {
  const int64_t H = static_cast<int64_t>(layer.H), D = static_cast<int64_t>(layer.D);
  AttentionProblem p{};
  p.B = keys.shape(0), p.H = static_cast<int>(H), p.K = keys.shape(1);
  p.q_strides[0] = H * D, p.q_strides[1] = D, p.q_strides[2] = H * D;
  std::copy_n(keys.strides().begin(), 3, p.k_strides);
  std::copy_n(values.strides().begin(), 3, p.v_strides);
  p.keys = {keys.data<void>(), values.data<void>(), keys.strides(2), values.strides(2), cache_type(keys.dtype()),
            static_cast<int>(D), static_cast<int>(layer.value_dims), MaskKind::none, 0, layer.scale, layer.cap};
  if (format) p.keys.type = CacheType::affine, p.keys.format = *format;
  return p;
}

}  // namespace

LayerRun LayerRun::at(int L, RowSpan span) const {
  LayerRun run = *this;
  for (CacheAppend* append : {&run.keys, &run.values}) {
    append->to += span.start * append->to_strides[2];
    append->from_strides[0] = L * append->from_strides[2];
    append->sizes[2] = L;
  }
  AttentionProblem& p = run.attention;
  p.L = L, p.S = span.end, p.is_causal = L > 1;
  p.q_strides[0] = L * p.q_strides[2];
  return run;
}

void LayerRun::run(const RunForm& form, TurnTables& tables, const float* x, float* out) const {
  LayerSteps(*this, form, tables).run(x, out);
}

LayerRun run_over(const std::shared_ptr<const PreparedLayer>& layer, const mx::array& keys, const mx::array& values,
                  const std::optional<AffineFormat>& format) {
  return {layer, append_to(keys, layer->D, format), append_to(values, layer->value_dims, format),
          attention_over(*layer, keys, values, format)};
}

}  // namespace abstractllm::cpu
