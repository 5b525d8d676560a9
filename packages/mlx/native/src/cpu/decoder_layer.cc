#include "decoder_layer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "activation_rows.h"
#include "attention_plan.h"
#include "cache_append.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"
#include "float_type.h"
#include "head_turn.h"
#include "norm_rows.h"
#include "packed_weights.h"
#include "quant_layer.h"
#include "quant_matmul.h"
#include "row_view.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// From here on products take so long that the work between them does not matter, and its memory does.
constexpr int kMostRows = 32;

// The arrays of a layer and where their numbers lie. They are computed: a graph need not know of them.
struct Layer {
  std::vector<mx::array> arrays;  // keeps the rest alive
  QuantProduct q, k, v, o, gate, up, down;
  const float *q_row, *k_row, *v_row, *o_row;  // null where nothing is added
  const float *attention_norm, *mlp_norm;
  const float *q_norm, *k_norm;  // null without
  const float* freqs;            // null with a base
  float eps, scale;
  size_t E, H, K, D, value_dims;
  bool has_mlp, is_geglu, fast;
};

// Numbers between the steps of a layer, for M rows.
struct LayerMemory {
  float *normed, *q, *k, *v, *found, *h, *gate, *up;

  LayerMemory(const Layer& l, size_t M) {
    const size_t F = l.has_mlp ? l.gate.N : 0, found_width = l.H * l.value_dims;
    float* next = scratch_floats<LayerMemory>(M * (2 * l.E + l.q.N + l.k.N + l.v.N + found_width + 2 * F));
    auto take = [&](size_t width) { return std::exchange(next, next + M * width); };
    normed = take(l.E), h = take(l.E);
    q = take(l.q.N), k = take(l.k.N), v = take(l.v.N), found = take(found_width);
    gate = take(F), up = take(F);
  }
};

void norm_rows(const float* x, const float* weight, float* out, size_t rows, size_t n, float eps) {
  auto norm = PICK_KERNEL(rms_norm_row);
  for (size_t i = 0; i < rows; i++) norm(x + i * n, weight, out + i * n, n, eps);
}

QuantProduct into(QuantProduct product, float* out) {
  product.out = out;
  return product;
}

// One evaluation.
struct LayerRun {
  std::shared_ptr<const Layer> layer;
  const float* x;
  float* out;
  size_t B, L;
  HeadTurn turn;
  CacheAppend keys, values;  // their rows are in a thread's memory: set when it runs
  AttentionProblem attention;

  void operator()() const {
    const LayerMemory memory(*layer, B * L);
    make_heads(memory);
    attend(memory);
    float* h = layer->has_mlp ? memory.h : out;
    project(layer->o, {memory.found, B * L, layer->H * layer->value_dims}, x, h);
    if (layer->o_row) add_rows(layer->o_row, true, h, B * L, layer->E);
    if (layer->has_mlp) feed_forward(memory);
  }

 private:
  // out = product + addend
  void project(const QuantProduct& product, const Rows& from, const float* addend, float* to) const {
    const QuantProduct target = into(product, to);
    quant_products({&target, 1}, from, layer->fast);
    add_rows(addend, false, to, from.M, product.N);
  }

  void make_heads(const LayerMemory& m) const {
    const Layer& l = *layer;
    const size_t M = B * L;
    norm_rows(x, l.attention_norm, m.normed, M, l.E, l.eps);
    const QuantProduct products[] = {into(l.q, m.q), into(l.k, m.k), into(l.v, m.v)};
    quant_products(products, {m.normed, M, l.E}, l.fast);
    if (l.q_row) add_rows(l.q_row, true, m.q, M, l.q.N);
    if (l.k_row) add_rows(l.k_row, true, m.k, M, l.k.N);
    if (l.v_row) add_rows(l.v_row, true, m.v, M, l.v.N);
    if (l.q_norm) norm_rows(m.q, l.q_norm, m.q, M * l.H, l.D, l.eps);
    if (l.k_norm) norm_rows(m.k, l.k_norm, m.k, M * l.K, l.D, l.eps);
    const std::shared_ptr<const RopeTable> table = turn.table(L, l.freqs);
    turn_heads({m.q, l.H, l.D}, M, L, turn, *table);
    turn_heads({m.k, l.K, l.D}, M, L, turn, *table);
  }

  void attend(const LayerMemory& m) const {
    CacheAppend new_keys = keys, new_values = values;
    new_keys.from = reinterpret_cast<const char*>(m.k);
    new_values.from = reinterpret_cast<const char*>(m.v);
    new_keys.run();
    new_values.run();
    AttentionProblem problem = attention;
    problem.q = m.q;
    problem.out = m.found;
    run_attention(problem);
  }

  void feed_forward(const LayerMemory& m) const {
    const Layer& l = *layer;
    const size_t M = B * L, F = l.gate.N;
    norm_rows(m.h, l.mlp_norm, m.normed, M, l.E, l.eps);
    const QuantProduct products[] = {into(l.gate, m.gate), into(l.up, m.up)};
    quant_products(products, {m.normed, M, l.E}, l.fast);
    auto activation = l.is_geglu ? PICK_KERNEL(geglu_row) : PICK_KERNEL(swiglu_row);
    parallel_for(M * F, kElementsPerRange, [&](size_t begin, size_t end) {
      activation(m.gate + begin, m.up + begin, m.gate + begin, end - begin);
    });
    project(l.down, {m.gate, M, F}, m.h, out);
  }
};

void allocate(mx::array& out) { out.set_data(mx::allocator::malloc(out.nbytes())); }

// Inputs: x, keys, values. Outputs: the result, keys, values.
class DecoderLayer : public mx::Primitive {
 public:
  DecoderLayer(std::shared_ptr<const Layer> layer, HeadTurn turn)
      : mx::Primitive(mx::default_stream(mx::Device::cpu)), layer_(std::move(layer)), turn_(turn) {}

  const char* name() const override { return "CpuDecoderLayer"; }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("CpuDecoderLayer runs on the CPU only");
  }

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder);
    allocate(outputs[0]);
    for (int i = 1; i < 3; i++) take_buffer(inputs[i], outputs[i], encoder);
    const mx::array &keys = outputs[1], &values = outputs[2];
    const int B = x.shape(0), L = x.shape(1);
    encoder.dispatch(LayerRun{layer_, x.data<float>(), outputs[0].data<float>(), static_cast<size_t>(B),
                              static_cast<size_t>(L), turn_, append_to(keys, L), append_to(values, L),
                              attention_over(keys, values, L)});
  }

 private:
  // Rows in the order [B, L, K, D].
  CacheAppend append_to(const mx::array& buffer, int L) const {
    const int B = buffer.shape(0), K = buffer.shape(1), D = buffer.shape(3);
    const int sizes[] = {B, K, L};
    const int64_t strides[] = {int64_t{L} * K * D, D, int64_t{K} * D};
    return cache_append(nullptr, mx::float32, sizes, strides, buffer, turn_.offset);
  }

  AttentionProblem attention_over(const mx::array& keys, const mx::array& values, int L) const {
    const Layer& l = *layer_;
    const int64_t H = static_cast<int64_t>(l.H), D = static_cast<int64_t>(l.D);
    AttentionProblem p{};
    p.B = keys.shape(0), p.H = static_cast<int>(l.H), p.K = static_cast<int>(l.K), p.L = L, p.S = turn_.offset + L;
    p.q_strides[0] = L * H * D, p.q_strides[1] = D, p.q_strides[2] = H * D;
    std::copy_n(keys.strides().begin(), 3, p.k_strides);
    std::copy_n(values.strides().begin(), 3, p.v_strides);
    p.is_causal = L > 1;
    p.keys = {keys.data<void>(), values.data<void>(), keys.strides(2), values.strides(2), cache_type(keys.dtype()),
              keys.shape(3), values.shape(3), MaskKind::none, 0, l.scale, 0};
    return p;
  }

  std::shared_ptr<const Layer> layer_;
  HeadTurn turn_;
};

// Takes a layer apart, and notices what does not fit.
class LayerReader {
 public:
  LayerReader(const DecoderLayerParts& parts, size_t E, const mx::array& keys, const mx::array& values)
      : parts_(parts), E_(E), keys_(keys), values_(values) {}

  std::shared_ptr<const Layer> read() {
    const size_t count = parts_.matrices.size() / 3;
    const bool has_mlp = !parts_.activation.empty();
    const size_t rows = parts_.rows.size(), norms = parts_.norms.size() - (has_mlp ? 2 : 1);
    const bool are_all_there = parts_.matrices.size() == (has_mlp ? 21 : 12) && parts_.bits.size() == count &&
                               parts_.groups.size() == count &&
                               (rows == 0 || rows == 3 || rows == 4) && !parts_.norms.empty() &&
                               (norms == 0 || norms == 2);
    if (!are_all_there) return nullptr;
    Layer& l = *layer_;
    l.E = E_, l.K = size(keys_, 1), l.D = size(keys_, 3), l.value_dims = size(values_, 3);
    l.eps = parts_.eps, l.scale = parts_.scale;
    l.has_mlp = has_mlp, l.is_geglu = parts_.activation == "geglu", l.fast = settings().fast_matmul;
    return read_attention() && (!has_mlp || read_mlp()) ? layer_ : nullptr;
  }

  bool add_freqs(const mx::array& freqs, size_t half) { return (layer_->freqs = numbers(freqs, half)) != nullptr; }

 private:
  static size_t size(const mx::array& a, int axis) { return static_cast<size_t>(a.shape(axis)); }
  static bool is_computed(const mx::array& a) { return a.is_available() && a.flags().row_contiguous; }

  // `n` numbers, or null where there are others.
  const float* numbers(const mx::array& a, size_t n) {
    if (!is_plain_float32(a) || a.size() != n || a.ndim() != 1 || !is_computed(a)) return nullptr;
    layer_->arrays.push_back(a);
    return a.data<float>();
  }

  // Matrix `i`, which must read rows of K numbers.
  bool matrix(size_t i, size_t K, QuantProduct& out) {
    const mx::array &w = parts_.matrices[3 * i], &scales = parts_.matrices[3 * i + 1], &biases = parts_.matrices[3 * i + 2];
    const int bits = parts_.bits[i], group = parts_.groups[i];
    if (!is_native_matrix(static_cast<int>(K), w, scales, biases, bits, group)) return false;
    const size_t G = static_cast<size_t>(group);
    QuantMatrix m{nullptr, nullptr, nullptr, *float_type(scales.dtype()), bits, G, K};
    if (const auto packed = packed_bytes(w, scales, biases)) {
      m.w = packed->data<uint8_t>();
      m.is_packed = true;
      layer_->arrays.push_back(*packed);
    } else if (is_computed(w) && is_computed(scales) && is_computed(biases)) {
      m.w = w.data<uint8_t>(), m.scales = scales.data<void>(), m.biases = biases.data<void>();
      layer_->arrays.insert(layer_->arrays.end(), {w, scales, biases});
    } else {
      return false;
    }
    out = {m, size(w, 0), nullptr};
    return true;
  }

  bool row(size_t i, size_t N, const float*& out) {
    if (i >= parts_.rows.size()) return true;
    return (out = numbers(parts_.rows[i], N)) != nullptr;
  }

  bool read_attention() {
    Layer& l = *layer_;
    if (!matrix(0, l.E, l.q) || !matrix(1, l.E, l.k) || !matrix(2, l.E, l.v)) return false;
    l.H = l.q.N / l.D;
    const bool are_heads = l.q.N == l.H * l.D && l.H % l.K == 0 && l.k.N == l.D * l.K && l.v.N == l.value_dims * l.K;
    if (!are_heads) return false;
    if (!matrix(3, l.H * l.value_dims, l.o) || l.o.N != l.E) return false;
    if (!row(0, l.q.N, l.q_row) || !row(1, l.k.N, l.k_row) || !row(2, l.v.N, l.v_row) || !row(3, l.E, l.o_row)) return false;
    if (!(l.attention_norm = numbers(parts_.norms[0], l.E))) return false;
    const size_t first = l.has_mlp ? 2 : 1;
    if (parts_.norms.size() == first) return true;
    l.q_norm = numbers(parts_.norms[first], l.D);
    l.k_norm = numbers(parts_.norms[first + 1], l.D);
    return l.q_norm && l.k_norm;
  }

  bool read_mlp() {
    Layer& l = *layer_;
    if (!l.is_geglu && parts_.activation != "swiglu") return false;
    if (!matrix(4, l.E, l.gate) || !matrix(5, l.E, l.up) || l.up.N != l.gate.N) return false;
    if (!matrix(6, l.gate.N, l.down) || l.down.N != l.E) return false;
    return (l.mlp_norm = numbers(parts_.norms[1], l.E)) != nullptr;
  }

  const DecoderLayerParts& parts_;
  size_t E_;
  const mx::array &keys_, &values_;
  std::shared_ptr<Layer> layer_ = std::make_shared<Layer>();
};

// Keys and values `[B, K, C, D]` of x's batch with room for its positions.
bool fit(const mx::array& x, const std::vector<mx::array>& buffers, int start) {
  if (buffers.size() != 2 || buffers[0].ndim() != 4 || buffers[1].ndim() != 4) return false;
  return std::all_of(buffers.begin(), buffers.end(), [&](const mx::array& buffer) {
    const mx::Shape update{x.shape(0), buffers[0].shape(1), x.shape(1), buffer.shape(3)};
    return buffer.dtype() == buffers[0].dtype() && fits_buffer(buffer, update, mx::float32, start);
  });
}

}  // namespace

std::vector<mx::array> decoder_layer(const mx::array& x, const std::vector<mx::array>& buffers, int start,
                                     const DecoderLayerParts& parts, const LayerTurn& turn) {
  const bool is_ours = use_native() && is_plain_float32(x) && x.ndim() == 3 && x.size() > 0 &&
                       x.shape(0) * int64_t{x.shape(1)} <= kMostRows;
  if (!is_ours || turn.base.has_value() == turn.freqs.has_value() || !fit(x, buffers, start)) return {};
  LayerReader reader(parts, static_cast<size_t>(x.shape(2)), buffers[0], buffers[1]);
  std::shared_ptr<const Layer> layer = reader.read();
  if (!layer) return {};
  if (turn.dims <= 0 || turn.dims % 2 != 0 || static_cast<size_t>(turn.dims) > layer->D) return {};
  if (turn.freqs && !reader.add_freqs(*turn.freqs, static_cast<size_t>(turn.dims) / 2)) return {};
  const HeadTurn head_turn{turn.dims, turn.traditional, turn.base, turn.scale, start};
  return mx::array::make_arrays({x.shape(), buffers[0].shape(), buffers[1].shape()},
                                {mx::float32, buffers[0].dtype(), buffers[1].dtype()},
                                std::make_shared<DecoderLayer>(std::move(layer), head_turn),
                                {x, buffers[0], buffers[1]});
}

}  // namespace abstractllm::cpu
