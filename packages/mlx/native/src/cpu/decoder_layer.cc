#include "decoder_layer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "../huge_pages.h"
#include "activation_rows.h"
#include "attention_plan.h"
#include "cache_append.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"
#include "expert_mlp.h"
#include "float_type.h"
#include "head_turn.h"
#include "norm_rows.h"
#include "packed_weights.h"
#include "quant_layer.h"
#include "quant_matmul.h"
#include "quantized_rows.h"
#include "row_view.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

using ArrayData = std::shared_ptr<mx::allocator::Data>;
// What a step keeps until it is computed.
using Held = std::shared_ptr<const std::vector<ArrayData>>;

// Where the numbers of a layer lie. They are computed: a graph need not know of their arrays.
class PreparedLayer {
 public:
  QuantProduct q, k, v, o, gate, up, down;
  const float *q_row, *k_row, *v_row, *o_row;  // null where nothing is added
  const float *attention_norm, *mlp_norm;
  const float *q_norm, *k_norm;  // null without
  const float* freqs;            // null with a base
  float eps, scale;
  size_t E, H, K, D, value_dims;
  bool has_mlp, is_geglu;
  std::optional<ExpertMlp> experts;  // instead of gate, up and down
  HeadTurn turn;  // its positions come with each run
  std::vector<std::weak_ptr<mx::allocator::Data>> owners;  // of all that is pointed to

  // Keeps what is pointed to. False where some of it is gone.
  bool hold(std::vector<ArrayData>& held) const {
    for (const auto& owner : owners) {
      held.push_back(owner.lock());
      if (!held.back()) return false;
    }
    return true;
  }
};

namespace {

using Layer = PreparedLayer;

// From here on products take so long that the work between them does not matter, and its memory does.
constexpr int kMostRows = 32;

// Numbers between the steps of a layer, for M rows.
struct LayerMemory {
  float *normed, *q, *k, *v, *found, *h, *gate, *up;

  LayerMemory(const Layer& l, size_t M) {
    const size_t F = l.has_mlp && !l.experts ? l.gate.N : 0, found_width = l.H * l.value_dims;
    float* next = scratch_floats<LayerMemory>(M * (2 * l.E + l.q.N + l.k.N + l.v.N + found_width + 2 * F));
    auto take = [&](size_t width) { return std::exchange(next, next + M * width); };
    normed = take(l.E), h = take(l.E);
    q = take(l.q.N), k = take(l.k.N), v = take(l.v.N), found = take(found_width);
    gate = take(F), up = take(F);
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

QuantProduct into(QuantProduct product, float* out) {
  product.out = out;
  return product;
}

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
  void prepare(const Layer& layer) {
    if (!(known_ && known_->turn == layer.turn && known_->freqs == layer.freqs)) make(layer);
  }

  // Of batch entry `b`.
  const RopeTable& at(size_t b) const { return *tables_[tables_.size() == 1 ? 0 : b]; }

 private:
  void make(const Layer& layer) {
    known_ = &layer;
    tables_.clear();
    for (int position : form_.positions.turns) {
      HeadTurn turn = layer.turn;
      turn.offset = position;
      tables_.push_back(turn.table(form_.L, layer.freqs));
    }
  }

  const RunForm& form_;
  const Layer* known_ = nullptr;
  std::vector<std::shared_ptr<const RopeTable>> tables_;
};

// One layer over its buffers of keys and values.
struct LayerRun {
  std::shared_ptr<const Layer> layer;
  CacheAppend keys, values;  // their rows are in a thread's memory: set when it runs
  AttentionProblem attention;

  // For L positions whose rows go to `span`; the one it is made from is for one, at the beginning.
  LayerRun at(int L, RowSpan span) const {
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

  // Without an MLP `out` must not be `x`.
  void run(const RunForm& form, TurnTables& tables, const float* x, float* out) const {
    const Layer& l = *layer;
    const size_t M = form.rows(), E = l.E;
    const LayerMemory memory(l, M);
    make_heads(memory, form, x);
    finish_heads(memory, form, tables);
    attend(memory, form);
    float* h = l.has_mlp ? memory.h : out;
    const QuantProduct product = into(l.o, h);
    quant_products({&product, 1}, {memory.found, M, l.H * l.value_dims}, form.rounding);
    const auto finish = [&](size_t m) {
      add_row(x + m * E, h + m * E, E);
      if (l.o_row) add_row(l.o_row, h + m * E, E);
    };
    if (l.has_mlp) return feed_forward(memory, form, finish, out);
    for (size_t m = 0; m < M; m++) finish(m);
  }

 private:
  void make_heads(const LayerMemory& m, const RunForm& form, const float* x) const {
    const Layer& l = *layer;
    const QuantProduct products[] = {into(l.q, m.q), into(l.k, m.k), into(l.v, m.v)};
    auto norm = PICK_KERNEL(rms_norm_row);
    const auto make = [&](size_t i) { norm(x + i * l.E, l.attention_norm, m.normed + i * l.E, l.E, l.eps); };
    quant_products(products, {m.normed, form.rows(), l.E}, form.rounding, make);
  }

  // From products to queries in memory, and keys and values in their caches.
  void finish_heads(const LayerMemory& m, const RunForm& form, TurnTables& tables) const {
    const Layer& l = *layer;
    CacheAppend new_keys = keys, new_values = values;
    new_keys.from = reinterpret_cast<const char*>(m.k);
    new_values.from = reinterpret_cast<const char*>(m.v);
    tables.prepare(l);
    const size_t numbers = form.L * (l.q.N + l.k.N + l.v.N);  // of an entry
    parallel_for(form.B, std::max<size_t>(1, kHeadNumbersPerRange / numbers), [&](size_t begin, size_t end) {
      for (size_t b = begin; b < end; b++) {
        finish_head_rows({m.q, l.H, l.q, l.q_row, l.q_norm}, form, b, &tables.at(b));
        finish_head_rows({m.k, l.K, l.k, l.k_row, l.k_norm}, form, b, &tables.at(b));
        finish_head_rows({m.v, l.K, l.v, l.v_row, nullptr}, form, b, nullptr);
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
  void finish_head_rows(const HeadRows& heads, const RunForm& form, size_t b, const RopeTable* table) const {
    const Layer& l = *layer;
    const size_t N = heads.product.N;
    float* rows = heads.rows + b * form.L * N;
    if (heads.addend) {
      for (size_t i = 0; i < form.L; i++) add_row(heads.addend, rows + i * N, N);
    }
    if (heads.norm) norm_rows(rows, heads.norm, rows, form.L * heads.count, l.D, l.eps);
    if (table) turn_heads({rows, heads.count, l.D}, form.L, form.L, l.turn, *table);
  }

  void attend(const LayerMemory& m, const RunForm& form) const {
    AttentionProblem problem = attention;
    problem.q = m.q;
    problem.out = m.found;
    problem.first = form.positions.first.empty() ? nullptr : form.positions.first.data();
    run_attention(problem);
  }

  // `finish_h(i)` makes row `i` of what the MLP reads.
  template <typename Finish>
  void feed_forward(const LayerMemory& m, const RunForm& form, const Finish& finish_h, float* out) const {
    const Layer& l = *layer;
    const size_t M = form.rows(), E = l.E, F = l.gate.N;
    auto norm = PICK_KERNEL(rms_norm_row);
    const auto make = [&](size_t i) {
      finish_h(i);
      norm(m.h + i * E, l.mlp_norm, m.normed + i * E, E, l.eps);
    };
    const Rows x{m.normed, M, E};
    if (l.experts) return run_experts(*l.experts, x, make, m.h, form.rounding, out);
    const QuantProduct products[] = {into(l.gate, m.gate), into(l.up, m.up)}, down = into(l.down, out);
    quant_products(products, x, form.rounding, make);
    auto activation = l.is_geglu ? PICK_KERNEL(geglu_row) : PICK_KERNEL(swiglu_row);
    quant_products({&down, 1}, {m.gate, M, F}, form.rounding, [&](size_t i) {
      activation(m.gate + i * F, m.up + i * F, m.gate + i * F, F);
    });
    add_rows(m.h, false, out, M, E);
  }
};

using Layers = std::vector<std::shared_ptr<const Layer>>;
// How rows of each layer are quantized.
using Formats = std::vector<std::optional<AffineFormat>>;

// A row of D keys or values in the order [B, 1, K, D], to the first of `buffer`.
CacheAppend append_to(const mx::array& buffer, size_t D, const std::optional<AffineFormat>& format) {
  const int B = buffer.shape(0), K = buffer.shape(1), dims = static_cast<int>(D);
  const int sizes[] = {B, K, 1, dims};
  const int64_t strides[] = {int64_t{K} * dims, dims, int64_t{K} * dims};
  return cache_append(nullptr, mx::float32, sizes, strides, buffer, 0, format);
}

AttentionProblem attention_over(const Layer& layer, const mx::array& keys, const mx::array& values,
                                const std::optional<AffineFormat>& format) {
  const int64_t H = static_cast<int64_t>(layer.H), D = static_cast<int64_t>(layer.D);
  AttentionProblem p{};
  p.B = keys.shape(0), p.H = static_cast<int>(H), p.K = keys.shape(1);
  p.q_strides[0] = H * D, p.q_strides[1] = D, p.q_strides[2] = H * D;
  std::copy_n(keys.strides().begin(), 3, p.k_strides);
  std::copy_n(values.strides().begin(), 3, p.v_strides);
  p.keys = {keys.data<void>(), values.data<void>(), keys.strides(2), values.strides(2), cache_type(keys.dtype()),
            static_cast<int>(D), static_cast<int>(layer.value_dims), MaskKind::none, 0, layer.scale, 0};
  if (format) p.keys.type = CacheType::affine, p.keys.format = *format;
  return p;
}

bool can_write(const mx::array& a) { return a.flags().row_contiguous && may_write(a); }

LayerRun run_over(const std::shared_ptr<const Layer>& layer, const mx::array& keys, const mx::array& values,
                  const std::optional<AffineFormat>& format) {
  return {layer, append_to(keys, layer->D, format), append_to(values, layer->value_dims, format),
          attention_over(*layer, keys, values, format)};
}

using Runs = std::vector<LayerRun>;

// Inputs: x, then, unless `runs` know where they are, keys and values of each layer, then what must be computed before.
class DecoderLayers : public CpuPrimitive {
 public:
  DecoderLayers(Layers layers, Formats formats, Held held, std::vector<RowSpan> spans, LayerPositions positions)
      : DecoderLayers(nullptr, std::move(held), std::move(spans), std::move(positions)) {
    layers_ = std::move(layers), formats_ = std::move(formats);
  }

  DecoderLayers(std::shared_ptr<const Runs> runs, Held held, std::vector<RowSpan> spans, LayerPositions positions)
      : runs_(std::move(runs)), held_(std::move(held)), spans_(std::move(spans)), positions_(std::move(positions)),
        rounding_(settings().rounding) {}

  const char* name() const override { return "CpuDecoderLayers"; }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder);
    allocate(out);
    const RunForm form{static_cast<size_t>(x.shape(0)), static_cast<size_t>(x.shape(1)), rounding_, positions_};
    encoder.dispatch([runs = runs_ ? runs_ : runs_over(inputs), spans = spans_, form, held = held_, from = x.data<float>(),
                      to = out.data<float>()] {
      TurnTables tables(form);
      const float* next = from;
      for (size_t i = 0; i < spans.size(); i++) {
        (*runs)[i].at(static_cast<int>(form.L), spans[i]).run(form, tables, next, to);
        next = to;
      }
    });
  }

 private:
  std::shared_ptr<const Runs> runs_over(const std::vector<mx::array>& inputs) const {
    Runs runs;
    for (size_t i = 0; i < layers_.size(); i++) {
      const mx::array &keys = inputs[1 + 2 * i], &values = inputs[2 + 2 * i];
      if (!can_write(keys) || !can_write(values)) throw std::runtime_error("new keys and values need buffers of their own");
      runs.push_back(run_over(layers_[i], keys, values, formats_[i]));
    }
    return std::make_shared<const Runs>(std::move(runs));
  }

  Layers layers_;
  Formats formats_;
  std::shared_ptr<const Runs> runs_;
  Held held_;
  std::vector<RowSpan> spans_;
  LayerPositions positions_;
  Rounding rounding_;
};

// Takes a layer apart, and notices what does not fit.
class LayerReader {
 public:
  LayerReader(const DecoderLayerParts& parts, const LayerTurn& turn) : parts_(parts), turn_(turn) {}

  std::shared_ptr<const Layer> read() {
    const size_t count = parts_.matrices.size() / 3, rows = parts_.rows.size(), norms = parts_.norms.size();
    const bool has_mlp = !parts_.activation.empty();
    const size_t own_norms = has_mlp ? 2 : 1;
    const size_t matrices = has_mlp ? (parts_.experts ? 24 : 21) : 12;
    const bool are_all_there = parts_.matrices.size() == matrices && parts_.bits.size() == count &&
                               parts_.groups.size() == count && (rows == 0 || rows == 3 || rows == 4) &&
                               (norms == own_norms || norms == own_norms + 2) && parts_.query_heads > 0 &&
                               parts_.key_heads > 0 && parts_.query_heads % parts_.key_heads == 0;
    if (!are_all_there) return nullptr;
    Layer& l = *layer_;
    l.E = parts_.norms[0].size();
    l.H = static_cast<size_t>(parts_.query_heads), l.K = static_cast<size_t>(parts_.key_heads);
    l.eps = parts_.eps, l.scale = parts_.scale;
    l.has_mlp = has_mlp, l.is_geglu = parts_.activation == "geglu";
    return read_attention() && read_turn() && (!has_mlp || (parts_.experts ? read_experts() : read_mlp())) ? layer_ : nullptr;
  }

 private:
  static bool is_computed(const mx::array& a) { return a.is_available() && a.flags().row_contiguous; }

  template <typename T>
  const T* pointer(const mx::array& a) {
    layer_->owners.push_back(a.data_shared_ptr());
    return a.data<T>();
  }

  // `n` numbers, or null where there are others.
  const float* numbers(const mx::array& a, size_t n) {
    const bool fits = is_plain_float32(a) && a.ndim() == 1 && a.size() == n && n > 0 && is_computed(a);
    return fits ? pointer<float>(a) : nullptr;
  }

  // Matrix `i`, which must read rows of K numbers; of `stacked` ones the first.
  bool matrix(size_t i, size_t K, QuantProduct& out, size_t stacked = 0) {
    const mx::array &w = parts_.matrices[3 * i], &scales = parts_.matrices[3 * i + 1], &biases = parts_.matrices[3 * i + 2];
    const int bits = parts_.bits[i], group = parts_.groups[i];
    if (!is_native_matrix(static_cast<int>(K), w, scales, biases, bits, group) || w.shape(-2) == 0) return false;
    if (w.ndim() != (stacked ? 3 : 2) || (stacked && static_cast<size_t>(w.shape(0)) != stacked)) return false;
    QuantMatrix m{nullptr, nullptr, nullptr, *float_type(scales.dtype()), bits, static_cast<size_t>(group), K};
    if (const auto packed = packed_bytes(w, scales, biases)) {
      m.w = pointer<uint8_t>(*packed);
      m.is_packed = true;
    } else if (is_computed(w) && is_computed(scales) && is_computed(biases)) {
      m.w = pointer<uint8_t>(w), m.scales = pointer<void>(scales), m.biases = pointer<void>(biases);
    } else {
      return false;
    }
    out = {m, static_cast<size_t>(w.shape(-2)), nullptr};
    return true;
  }

  bool row(size_t i, size_t N, const float*& out) {
    if (i >= parts_.rows.size()) return true;
    return (out = numbers(parts_.rows[i], N)) != nullptr;
  }

  bool read_attention() {
    Layer& l = *layer_;
    if (!matrix(0, l.E, l.q) || !matrix(1, l.E, l.k) || !matrix(2, l.E, l.v)) return false;
    l.D = l.q.N / l.H, l.value_dims = l.v.N / l.K;
    if (l.q.N != l.H * l.D || l.k.N != l.K * l.D || l.v.N != l.K * l.value_dims) return false;
    if (!matrix(3, l.H * l.value_dims, l.o) || l.o.N != l.E) return false;
    if (!row(0, l.q.N, l.q_row) || !row(1, l.k.N, l.k_row) || !row(2, l.v.N, l.v_row) || !row(3, l.E, l.o_row)) return false;
    if (!(l.attention_norm = numbers(parts_.norms[0], l.E))) return false;
    const size_t first = l.has_mlp ? 2 : 1;
    if (parts_.norms.size() == first) return true;
    l.q_norm = numbers(parts_.norms[first], l.D);
    l.k_norm = numbers(parts_.norms[first + 1], l.D);
    return l.q_norm && l.k_norm;
  }

  bool read_turn() {
    const auto& [dims, traditional, base, scale, freqs] = turn_;
    if (dims <= 0 || dims % 2 != 0 || static_cast<size_t>(dims) > layer_->D || base.has_value() == freqs.has_value()) {
      return false;
    }
    layer_->turn = {dims, traditional, base, scale, 0};
    return !freqs || (layer_->freqs = numbers(*freqs, static_cast<size_t>(dims) / 2)) != nullptr;
  }

  bool read_mlp() {
    Layer& l = *layer_;
    if (!l.is_geglu && parts_.activation != "swiglu") return false;
    if (!matrix(4, l.E, l.gate) || !matrix(5, l.E, l.up) || l.up.N != l.gate.N) return false;
    if (!matrix(6, l.gate.N, l.down) || l.down.N != l.E) return false;
    return (l.mlp_norm = numbers(parts_.norms[1], l.E)) != nullptr;
  }

  bool read_experts() {
    Layer& l = *layer_;
    if (!l.is_geglu && parts_.activation != "swiglu") return false;
    ExpertMlp e{};
    if (!matrix(4, l.E, e.router)) return false;
    if (parts_.experts->asked <= 0 || static_cast<size_t>(parts_.experts->asked) > e.count()) return false;
    e.asked = static_cast<size_t>(parts_.experts->asked);
    e.is_normed = parts_.experts->is_normed, e.is_geglu = l.is_geglu;
    if (!matrix(5, l.E, e.gate, e.count()) || !matrix(6, l.E, e.up, e.count()) || e.up.N != e.gate.N) return false;
    if (!matrix(7, e.gate.N, e.down, e.count()) || e.down.N != l.E) return false;
    l.experts = e;
    return (l.mlp_norm = numbers(parts_.norms[1], l.E)) != nullptr;
  }

  const DecoderLayerParts& parts_;
  const LayerTurn& turn_;
  std::shared_ptr<Layer> layer_ = std::make_shared<Layer>();
};

// Whether the rows of L new positions are in buffers of `capacity` rows, and seen.
bool fits_span(RowSpan span, int L, int capacity) {
  const bool is_inside = span.start >= 0 && span.start <= capacity - L && span.end <= capacity;
  return is_inside && span.end >= span.start + L && (L == 1 || span.end == span.start + L);
}

// What a layer's buffers are for a batch of B.
struct RoomForm {
  std::optional<AffineFormat> format;
  int capacity;
};

// Nothing where the buffers do not fit.
std::optional<RoomForm> room_form(const CacheRoom& room, int B, const Layer& l) {
  if (room.keys.ndim() != 4 || room.values.ndim() != 4) return std::nullopt;
  const int K = static_cast<int>(l.K);
  const mx::Shape keys{B, K, 1, static_cast<int>(l.D)}, values{B, K, 1, static_cast<int>(l.value_dims)};
  RoomForm form{std::nullopt, std::min(room.keys.shape(2), room.values.shape(2))};
  bool fits = false;
  if (room.bits == 0) {
    fits = fits_buffer(room.keys, keys, mx::float32, 0) && fits_buffer(room.values, values, mx::float32, 0) &&
           room.keys.dtype() == room.values.dtype();
  } else {
    form.format = affine_format(room.group, room.bits, keys[3], room.keys.shape(3));
    const auto of_values = affine_format(room.group, room.bits, values[3], room.values.shape(3));
    fits = form.format && form.format == of_values && fits_buffer(room.keys, keys, *form.format, 0) &&
           fits_buffer(room.values, values, *form.format, 0);
  }
  return fits ? std::optional(form) : std::nullopt;
}

bool are_positions(const LayerPositions& p, int B, int L, const std::vector<RowSpan>& spans) {
  const size_t count = static_cast<size_t>(B);
  if (p.turns.size() != 1 && p.turns.size() != count) return false;
  if (p.first.empty()) return true;
  return L == 1 && p.first.size() == count && std::all_of(p.first.begin(), p.first.end(), [&](int first) {
    return first >= 0 && std::all_of(spans.begin(), spans.end(), [&](RowSpan span) { return first < span.end; });
  });
}

bool are_rows(const mx::array& x) {
  return use_native() && is_plain_float32(x) && x.ndim() == 3 && x.size() > 0 &&
         x.shape(0) * int64_t{x.shape(1)} <= kMostRows;
}

}  // namespace

// Layers and the buffers of their keys and values.
class BoundLayers {
 public:
  // Null where some of the buffers are not computed, or do not fit.
  static std::shared_ptr<const BoundLayers> bind(const Layers& layers, const std::vector<CacheRoom>& rooms) {
    if (layers.empty() || layers.size() != rooms.size() || rooms[0].keys.ndim() != 4) return nullptr;
    auto bound = std::make_shared<BoundLayers>();
    bound->B_ = rooms[0].keys.shape(0);
    Runs runs;
    for (size_t i = 0; i < layers.size(); i++) {
      const CacheRoom& room = rooms[i];
      const auto form = room_form(room, bound->B_, *layers[i]);
      const bool fits = form && layers[i]->E == layers[0]->E && (layers[i]->has_mlp || layers.size() == 1);
      if (!fits || !is_ready(room.keys) || !is_ready(room.values)) return nullptr;
      runs.push_back(run_over(layers[i], room.keys, room.values, form->format));
      bound->capacities_.push_back(form->capacity);
      bound->buffers_.insert(bound->buffers_.end(), {room.keys.data_shared_ptr(), room.values.data_shared_ptr()});
    }
    bound->runs_ = std::make_shared<const Runs>(std::move(runs));
    return bound;
  }

  std::optional<mx::array> forward(const mx::array& x, std::vector<RowSpan> spans, LayerPositions positions,
                                   const std::vector<mx::array>& after) const {
    if (!are_rows(x) || x.shape(0) != B_ || static_cast<size_t>(x.shape(2)) != runs_->front().layer->E) return std::nullopt;
    if (spans.size() != runs_->size() || !are_positions(positions, B_, x.shape(1), spans)) return std::nullopt;
    for (size_t i = 0; i < spans.size(); i++) {
      if (!fits_span(spans[i], x.shape(1), capacities_[i])) return std::nullopt;
    }
    Held held = hold();
    if (!held) return std::nullopt;
    std::vector<mx::array> inputs{x};
    inputs.insert(inputs.end(), after.begin(), after.end());
    return mx::array(x.shape(), mx::float32,
                     std::make_shared<DecoderLayers>(runs_, std::move(held), std::move(spans), std::move(positions)),
                     std::move(inputs));
  }

 private:
  static bool is_ready(const mx::array& a) { return a.is_available() && can_write(a); }

  // Keeps all that is pointed to; null where some of it is gone. While the last step runs, that one does already.
  Held hold() const {
    if (Held latest = latest_.lock()) return latest;
    std::vector<ArrayData> held;
    for (const LayerRun& run : *runs_) {
      if (!run.layer->hold(held)) return nullptr;
    }
    for (const auto& buffer : buffers_) {
      held.push_back(buffer.lock());
      if (!held.back()) return nullptr;
    }
    Held all = std::make_shared<const std::vector<ArrayData>>(std::move(held));
    latest_ = all;
    return all;
  }

  int B_ = 0;
  std::shared_ptr<const Runs> runs_;
  std::vector<int> capacities_;
  std::vector<std::weak_ptr<mx::allocator::Data>> buffers_;
  mutable std::weak_ptr<const std::vector<ArrayData>> latest_;
};

std::shared_ptr<const PreparedLayer> prepare_decoder_layer(const DecoderLayerParts& parts, const LayerTurn& turn) {
  return use_native() ? LayerReader(parts, turn).read() : nullptr;
}

std::optional<mx::array> decoder_layers(const Layers& layers, const mx::array& x, const std::vector<CacheRoom>& rooms,
                                        std::vector<RowSpan> spans, LayerPositions positions,
                                        const std::vector<mx::array>& after) {
  if (!are_rows(x) || layers.empty() || layers.size() != rooms.size() || layers.size() != spans.size()) return std::nullopt;
  if (!are_positions(positions, x.shape(0), x.shape(1), spans)) return std::nullopt;
  std::vector<ArrayData> held;
  Formats formats;
  std::vector<mx::array> inputs{x};
  for (size_t i = 0; i < layers.size(); i++) {
    const Layer& layer = *layers[i];
    const auto form = room_form(rooms[i], x.shape(0), layer);
    const bool fits = form && fits_span(spans[i], x.shape(1), form->capacity) &&
                      static_cast<size_t>(x.shape(2)) == layer.E && (layer.has_mlp || layers.size() == 1) && layer.hold(held);
    if (!fits) return std::nullopt;
    formats.push_back(form->format);
    inputs.insert(inputs.end(), {rooms[i].keys, rooms[i].values});
  }
  inputs.insert(inputs.end(), after.begin(), after.end());
  auto node = std::make_shared<DecoderLayers>(layers, std::move(formats),
                                              std::make_shared<const std::vector<ArrayData>>(std::move(held)),
                                              std::move(spans), std::move(positions));
  return mx::array(x.shape(), mx::float32, std::move(node), std::move(inputs));
}

std::shared_ptr<const BoundLayers> bind_decoder_layers(const Layers& layers, const std::vector<CacheRoom>& rooms) {
  return BoundLayers::bind(layers, rooms);
}

std::optional<mx::array> decoder_layers(const BoundLayers& layers, const mx::array& x, std::vector<RowSpan> spans,
                                        LayerPositions positions, const std::vector<mx::array>& after) {
  return layers.forward(x, std::move(spans), std::move(positions), after);
}

}  // namespace abstractllm::cpu
