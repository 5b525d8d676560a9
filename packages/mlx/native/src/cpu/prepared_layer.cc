#include "prepared_layer.h"

#include <initializer_list>
#include <map>
#include <string>
#include <tuple>

#include "float_type.h"
#include "packed_weights.h"
#include "quant_layer.h"
#include "quant_mode.h"
#include "short_conv.h"

namespace abstractllm::cpu {

namespace {

// Takes a layer apart, and notices what does not fit.
class LayerReader {
 public:
  LayerReader(const DecoderLayerParts& parts, const LayerTurn& turn) : parts_(parts), turn_(turn) {}

  std::shared_ptr<const PreparedLayer> read() {
    if (!are_all_there()) return nullptr;
    PreparedLayer& l = *layer_;
    l.E = (parts_.are_inputs_normed ? parts_.norms : parts_.norms_after)[0].size();
    l.eps = parts_.eps, l.residual = parts_.residual;
    l.has_mlp = has_mlp();
    if (l.has_mlp && !read_kind()) return nullptr;
    const bool has_mixer = read_mixer() && read_norms();
    const bool is_whole = has_mixer && (!l.has_mlp || (parts_.experts ? read_experts() : read_mlp())) && read_end();
    return is_whole ? layer_ : nullptr;
  }

 private:
  bool read_mixer() {
    if (!parts_.has_mixer) return parts_.rows.empty() && !parts_.sinks && parts_.norms.size() == own_norms();
    if (parts_.delta) return read_delta();
    if (parts_.mamba) return read_mamba();
    if (parts_.latent) return read_latent();
    return parts_.conv ? read_conv() : read_attention();
  }

  bool has_mlp() const { return !parts_.activation.empty(); }
  // The first matrix of the MLP.
  size_t mixer_matrices() const {
    if (!parts_.has_mixer) return 0;
    if (parts_.delta) return 5;
    if (parts_.mamba || parts_.conv) return 2;
    if (parts_.latent) return (parts_.latent->query_norm ? 2 : 1) + (parts_.latent->is_absorbed ? 4 : 3);
    return parts_.keys == KeySource::own ? 4 : parts_.keys == KeySource::values_too ? 3 : 2;
  }
  bool are_beside() const { return parts_.experts && parts_.experts->norm; }
  // Whether an MLP is up and down alone.
  bool is_gateless() const { return parts_.activation == "relu2"; }
  size_t dense_matrices() const { return parts_.is_gate_joined || is_gateless() ? 2 : 3; }
  size_t first_of_experts() const { return mixer_matrices() + (are_beside() ? dense_matrices() : 0); }
  size_t first_stack() const { return first_of_experts() + (parts_.experts->router ? 0 : 1); }
  size_t first_of_shared() const { return first_stack() + (is_gateless() ? 2 : 3); }
  // The first matrix behind it.
  size_t end_matrices() const {
    if (!has_mlp()) return mixer_matrices();
    if (!parts_.experts) return mixer_matrices() + dense_matrices();
    return first_of_shared() + static_cast<size_t>(parts_.experts->shared_matrices) + (parts_.experts->has_shared_gate ? 1 : 0);
  }
  size_t branches() const { return (parts_.has_mixer ? 1 : 0) + (has_mlp() ? 1 : 0); }
  // Norms of what the branches read.
  size_t own_norms() const { return parts_.are_inputs_normed ? branches() : 0; }

  bool are_all_there() const {
    const size_t matrices = parts_.bits.size(), rows = parts_.rows.size(), norms = parts_.norms.size();
    const size_t after = parts_.norms_after.size();
    const size_t head_norms = parts_.keys == KeySource::shared ? 1 : 2;
    if (branches() == 0 || (parts_.is_gate_joined && is_gateless())) return false;
    return matrices == end_matrices() + (parts_.input_norm ? 2 : 0) && parts_.matrices.size() == 3 * matrices && parts_.groups.size() == matrices &&
           (rows == 0 || rows == 3 || rows == 4) && (parts_.updates.empty() || parts_.updates.size() == matrices) &&
           (norms == own_norms() || norms == own_norms() + head_norms) &&
           (after == branches() || (after == 0 && parts_.are_inputs_normed)) &&
           parts_.codings.size() == matrices && parts_.query_heads > 0 && parts_.key_heads > 0 && parts_.query_heads % parts_.key_heads == 0;
  }

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
    if (w.ndim() != (stacked ? 3 : 2) || (stacked && static_cast<size_t>(w.shape(0)) != stacked) || w.shape(-2) == 0) return false;
    if (parts_.codings[i] != Coding::affine) return float_matrix(i, K, out);
    if (!is_native_matrix(static_cast<int>(K), w, scales, biases, bits, group)) return false;
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

  // Parts of matrix `i`, one behind the other, of which each has the rows that its `N` says.
  bool split_matrix(size_t i, size_t K, std::initializer_list<LayerMatrix*> parts) {
    LayerMatrix whole{};
    if (is_updated(i) || !matrix(i, K, whole)) return false;
    size_t first = 0;
    for (LayerMatrix* part : parts) {
      const size_t N = part->N;
      if (!can_begin_at(whole.w, first)) return false;
      static_cast<QuantProduct&>(*part) = {rows_from(whole.w, first), N, nullptr};
      first += N;
    }
    return first == whole.N;
  }

  bool float_matrix(size_t i, size_t K, QuantProduct& out) {
    const mx::array &w = parts_.matrices[3 * i], &scales = parts_.matrices[3 * i + 1];
    const Coding coding = parts_.codings[i];
    const bool fits = is_native_float_matrix(static_cast<int>(K), w, scales, coding, parts_.bits[i], parts_.groups[i]);
    if (!fits || !is_computed(w) || !is_computed(scales)) return false;
    const auto [bits, group] = float_format(coding);
    const void* bytes = pointer<void>(scales);
    out = {{pointer<uint8_t>(w), bytes, bytes, Float::f32, bits, static_cast<size_t>(group), K, false, coding},
           static_cast<size_t>(w.shape(-2)), nullptr};
    return true;
  }

  bool matrix(size_t i, size_t K, LayerMatrix& out) {
    return matrix(i, K, static_cast<QuantProduct&>(out)) && update(i, out);
  }

  bool is_updated(size_t i) const { return i < parts_.updates.size() && parts_.updates[i]; }

  // What an adapter makes of matrix `i`.
  bool update(size_t i, LayerMatrix& out) {
    if (!is_updated(i)) return true;
    const auto& [down, up, gains] = *parts_.updates[i];
    const size_t K = out.w.K, N = out.N;
    if (!is_factor(down) || !is_factor(up) || down.dtype() != up.dtype() || !up.flags().row_contiguous) return false;
    const size_t rank = static_cast<size_t>(up.shape(0));
    const bool fits = rank > 0 && up.size() == rank * N && down.size() == K * rank &&
                      static_cast<size_t>(down.shape(1)) == rank && down.strides(0) == 1 &&
                      (rank == 1 || down.strides(1) == static_cast<int64_t>(K));
    if (!fits) return false;
    LowRank factors{pointer<void>(down), pointer<void>(up), up.dtype() == mx::float16, nullptr, rank, K, N};
    if (gains && !(factors.gains = numbers(*gains, N))) return false;
    out.update = factors;
    return true;
  }

  static bool is_factor(const mx::array& a) {
    return (a.dtype() == mx::float32 || a.dtype() == mx::float16) && a.ndim() == 2 && a.is_available();
  }

  bool row(size_t i, size_t N, const float*& out) {
    if (i >= parts_.rows.size()) return true;
    return (out = numbers(parts_.rows[i], N)) != nullptr;
  }

  bool read_attention() {
    PreparedAttention a{};
    a.H = static_cast<size_t>(parts_.query_heads), a.K = static_cast<size_t>(parts_.key_heads);
    a.scale = parts_.scale, a.cap = parts_.cap, a.is_gated = parts_.is_gated;
    a.keys = parts_.keys, a.are_values_normed = parts_.are_values_normed, a.are_heads_normed_last = parts_.are_heads_normed_last;
    const size_t E = layer_->E, query_parts = a.is_gated ? 2 : 1, last = mixer_matrices() - 1;
    if (a.keys == KeySource::joined) {
      a.D = static_cast<size_t>(parts_.matrices[0].shape(-2)) / (query_parts * a.H + 2 * a.K);
      a.q.N = query_parts * a.queries(), a.k.N = a.v.N = a.K * a.D;
      if (a.D == 0 || !split_matrix(0, E, {&a.q, &a.k, &a.v})) return false;
      a.value_dims = a.D, a.keys = KeySource::own;
    } else if (!read_heads(a, query_parts)) {
      return false;
    }
    if (a.is_gated && a.value_dims != a.D) return false;
    if (!matrix(last, a.found(), a.o) || a.o.N != E) return false;
    if (parts_.keys != KeySource::own && !parts_.rows.empty()) return false;
    if (!row(0, a.q.N, a.q_row) || !row(1, a.k.N, a.k_row) || !row(2, a.v.N, a.v_row) || !row(3, E, a.o_row)) return false;
    if (parts_.norms.size() > own_norms() && !read_head_norms(a)) return false;
    if (parts_.sinks && !(a.sinks = numbers(*parts_.sinks, a.H))) return false;
    if (!read_turn(a, a.D)) return false;
    layer_->mixer = a;
    return true;
  }

  bool read_head_norms(PreparedAttention& a) {
    const mx::array& of_queries = parts_.norms[own_norms()];
    a.are_rows_normed = of_queries.size() != a.D;
    a.q_norm = numbers(of_queries, a.are_rows_normed ? a.queries() : a.D);
    if (a.keys == KeySource::shared) return a.q_norm != nullptr;
    a.k_norm = numbers(parts_.norms[own_norms() + 1], a.are_rows_normed ? a.K * a.D : a.D);
    return a.q_norm && a.k_norm;
  }

  // Matrices of queries, keys and values, as far as there are.
  bool read_heads(PreparedAttention& a, size_t query_parts) {
    const size_t E = layer_->E;
    if (!matrix(0, E, a.q) || a.q.N % (query_parts * a.H) != 0) return false;
    a.D = a.value_dims = a.q.N / (query_parts * a.H);
    if (a.keys == KeySource::shared) return true;
    if (!matrix(1, E, a.k) || a.k.N != a.K * a.D) return false;
    if (a.keys == KeySource::values_too) return true;
    if (!matrix(2, E, a.v) || a.v.N % a.K != 0) return false;
    a.value_dims = a.v.N / a.K;
    return true;
  }

  // Of heads with D features.
  bool read_turn(PreparedTurn& t, size_t D) {
    const auto& [dims, traditional, base, scale, freqs, growth, query_growth] = turn_;
    t.query_growth = query_growth;
    if (dims == 0) return true;
    if (dims <= 0 || dims % 2 != 0 || static_cast<size_t>(dims) > D || base.has_value() == freqs.has_value()) return false;
    t.turn = {dims, traditional, base, scale, 0};
    t.growth = growth;
    return !freqs || (t.freqs = numbers(*freqs, static_cast<size_t>(dims) / 2)) != nullptr;
  }

  bool read_latent() {
    const LayerLatent& given = *parts_.latent;
    PreparedLatent l{};
    l.H = static_cast<size_t>(parts_.query_heads), l.scale = parts_.scale, l.eps = given.eps;
    const size_t E = layer_->E, last = mixer_matrices() - 1;
    size_t next = 0;
    if (given.query_norm && !matrix(next++, E, l.q_a)) return false;
    if (!matrix(next++, l.is_squeezed() ? l.q_a.N : E, l.q) || l.q.N % l.H != 0) return false;
    if (given.query_norm && !(l.query_norm = numbers(*given.query_norm, l.q_a.N))) return false;
    l.R = given.norm.size();
    if (!matrix(next++, E, l.kv_a) || l.kv_a.N <= l.R || !(l.latent_norm = numbers(given.norm, l.R))) return false;
    l.turned = l.kv_a.N - l.R;
    const size_t D = l.q.N / l.H;
    if (D <= l.turned) return false;
    l.still = D - l.turned;
    if (!(given.is_absorbed ? read_absorbed(next, l) : read_expanded(next, l))) return false;
    if (!matrix(last, l.found(), l.o) || l.o.N != E) return false;
    if (!parts_.rows.empty() || parts_.norms.size() != own_norms() || parts_.sinks || parts_.cap != 0) return false;
    if (!read_turn(l, l.turned) || (l.turn.dims != 0 && static_cast<size_t>(l.turn.dims) != l.turned)) return false;
    layer_->mixer = l;
    return true;
  }

  // Stacks `first` and the next.
  bool read_absorbed(size_t first, PreparedLatent& l) {
    if (is_updated(first) || is_updated(first + 1)) return false;
    if (!matrix(first, l.still, l.embed, l.H) || l.embed.N != l.R || !matrix(first + 1, l.R, l.unembed, l.H)) return false;
    l.V = l.unembed.N;
    return true;
  }

  bool read_expanded(size_t i, PreparedLatent& l) {
    if (!matrix(i, l.R, l.kv_b) || l.kv_b.N % l.H != 0 || l.kv_b.N / l.H <= l.still) return false;
    l.V = l.kv_b.N / l.H - l.still;
    return true;
  }

  bool read_delta() {
    PreparedDelta d{};
    const auto& [taps, log_rates, biases, norm] = *parts_.delta;
    d.H = static_cast<size_t>(parts_.query_heads), d.K = static_cast<size_t>(parts_.key_heads), d.V = norm.size();
    const size_t E = layer_->E, found = d.H * d.V;
    if (!matrix(0, E, d.qkv) || !matrix(1, E, d.z) || !matrix(2, E, d.b) || !matrix(3, E, d.a)) return false;
    if (!matrix(4, found, d.out) || d.out.N != E) return false;
    if (d.qkv.N <= found || d.z.N != found || d.b.N != d.H || d.a.N != d.H) return false;
    d.D = (d.qkv.N - found) / (2 * d.K);
    if (d.D == 0 || d.channels() != d.qkv.N || taps.ndim() != 2 || static_cast<size_t>(taps.shape(1)) != d.qkv.N) return false;
    d.W = static_cast<size_t>(taps.shape(0));
    if (d.W < 2 || d.W > kMostTaps || !is_plain_float32(taps) || !is_computed(taps)) return false;
    if (!parts_.rows.empty() || parts_.norms.size() != own_norms() || parts_.sinks) return false;
    d.taps = pointer<float>(taps);
    d.log_rates = numbers(log_rates, d.H), d.biases = numbers(biases, d.H), d.norm = numbers(norm, d.V);
    layer_->mixer = d;
    return d.log_rates && d.biases && d.norm;
  }

  bool read_mamba() {
    const LayerMamba& given = *parts_.mamba;
    PreparedMamba m{};
    m.H = static_cast<size_t>(parts_.query_heads), m.G = static_cast<size_t>(parts_.key_heads);
    const mx::array& taps = given.taps;
    if (taps.ndim() != 2 || !is_plain_float32(taps) || !is_computed(taps) || !matrix(0, layer_->E, m.in)) return false;
    m.W = static_cast<size_t>(taps.shape(0));
    const size_t C = static_cast<size_t>(taps.shape(1));
    if (m.W < 2 || m.W > kMostTaps || m.in.N <= C + m.H) return false;
    const size_t F = m.in.N - C - m.H;
    if (F % m.H != 0 || C <= F || (C - F) % (2 * m.G) != 0) return false;
    m.P = F / m.H, m.N = (C - F) / (2 * m.G);
    if (given.norm_groups <= 0 || F % static_cast<size_t>(given.norm_groups) != 0) return false;
    if (!matrix(1, F, m.out) || m.out.N != layer_->E) return false;
    if (!parts_.rows.empty() || parts_.norms.size() != own_norms() || parts_.sinks) return false;
    m.taps = pointer<float>(taps);
    m.learned = {numbers(given.log_rates, m.H), numbers(given.step_biases, m.H), numbers(given.skips, m.H), nullptr,
                 given.shortest, given.longest, given.eps, static_cast<size_t>(given.norm_groups)};
    if (given.conv_bias && !(m.conv_bias = numbers(*given.conv_bias, C))) return false;
    if (given.norm && !(m.learned.norm = numbers(*given.norm, F))) return false;
    layer_->mixer = m;
    return m.learned.log_rates && m.learned.step_biases && m.learned.skips;
  }

  bool read_conv() {
    PreparedConv c{};
    const mx::array& taps = parts_.conv->taps;
    if (taps.ndim() != 2 || !is_plain_float32(taps) || !is_computed(taps) || !matrix(0, layer_->E, c.in)) return false;
    c.W = static_cast<size_t>(taps.shape(0)), c.C = static_cast<size_t>(taps.shape(1));
    if (c.W < 2 || c.W > kMostTaps || c.C == 0 || c.in.N != 3 * c.C || !matrix(1, c.C, c.out) || c.out.N != layer_->E) return false;
    if (!parts_.rows.empty() || parts_.norms.size() != own_norms() || parts_.sinks) return false;
    c.taps = pointer<float>(taps);
    layer_->mixer = c;
    return true;
  }

  bool read_norms() {
    PreparedLayer& l = *layer_;
    const bool are_read = !parts_.are_inputs_normed || read_both(parts_.norms, l.mixer_norm, l.mlp_norm);
    return are_read && (parts_.norms_after.empty() || read_both(parts_.norms_after, l.mixer_norm_after, l.mlp_norm_after));
  }

  // The norms at the beginning of a list, of attention and, with an MLP, of that.
  bool read_both(const std::vector<mx::array>& norms, const float*& mixer, const float*& mlp) {
    const bool has_mixer = parts_.has_mixer, has_mlp = layer_->has_mlp;
    if (has_mixer) mixer = numbers(norms[0], layer_->E);
    if (has_mlp) mlp = numbers(norms[has_mixer ? 1 : 0], layer_->E);
    return (!has_mixer || mixer) && (!has_mlp || mlp);
  }

  bool read_kind() {
    static const std::map<std::string, GateKind> kinds = {{"swiglu", GateKind::swiglu},
                                                          {"geglu", GateKind::geglu},
                                                          {"relu2", GateKind::relu2},
                                                          {"swigluOai", GateKind::swiglu_oai}};
    const auto found = kinds.find(parts_.activation);
    if (found == kinds.end()) return false;
    layer_->kind = found->second;
    return found->second != GateKind::swiglu_oai || parts_.experts;
  }

  bool read_mlp() {
    PreparedLayer& l = *layer_;
    const size_t first = mixer_matrices();
    if (parts_.is_gate_joined) {
      l.gate.N = l.up.N = static_cast<size_t>(parts_.matrices[3 * first].shape(-2)) / 2;
      if (!split_matrix(first, l.E, {&l.gate, &l.up})) return false;
    } else if (!matrix(first, l.E, l.gate) || (!is_gateless() && (!matrix(first + 1, l.E, l.up) || l.up.N != l.gate.N))) {
      return false;
    }
    return matrix(first + dense_matrices() - 1, l.gate.N, l.down) && l.down.N == l.E;
  }

  bool read_experts() {
    PreparedLayer& l = *layer_;
    const size_t first = first_of_experts();
    const LayerExperts& given = *parts_.experts;
    const bool has_shared = given.shared_matrices != 0;
    if (has_shared && given.shared_matrices != 2 && given.shared_matrices != 3) return false;
    if (given.has_shared_gate && !has_shared) return false;
    if (are_beside() && (has_shared || !read_mlp() || !read_beside())) return false;
    for (size_t i = first; i < parts_.updates.size(); i++) {
      if (is_updated(i)) return false;
    }
    ExpertMlp e{};
    QuantProduct &gate = e.stacks.gate, &up = e.stacks.up, &down = e.stacks.down;
    if (given.router ? !read_dense_router(*given.router, e) : !matrix(first, l.E, e.router)) return false;
    e.kind = l.kind;
    if (!read_routing(e)) return false;
    const size_t stack = first_stack();
    if (!matrix(stack, l.E, gate, e.count())) return false;
    if (!is_gateless() && (!matrix(stack + 1, l.E, up, e.count()) || up.N != gate.N)) return false;
    if (!matrix(first_of_shared() - 1, gate.N, down, e.count()) || down.N != l.E) return false;
    if (given.router_row && !(e.router_row = numbers(*given.router_row, e.count()))) return false;
    if (given.scales && !(e.scales = numbers(*given.scales, e.count()))) return false;
    if (given.gate_bias && (is_gateless() || !read_biases(e))) return false;
    if (has_shared && !read_shared(e.shared.emplace())) return false;
    l.experts = e;
    return true;
  }

  bool read_dense_router(const mx::array& w, ExpertMlp& e) {
    const bool fits = is_plain_float32(w) && w.ndim() == 2 && static_cast<size_t>(w.shape(1)) == layer_->E && is_computed(w);
    if (!fits || w.shape(0) == 0) return false;
    e.dense_router = DenseMatrix{pointer<void>(w), Float::f32, true, layer_->E, layer_->E};
    e.router.N = static_cast<size_t>(w.shape(0));
    return true;
  }

  bool read_routing(ExpertMlp& e) {
    const LayerExperts& given = *parts_.experts;
    const Routing& r = e.routing = given.routing;
    if (r.asked == 0 || r.asked > e.count() || r.kept == 0 || r.kept > r.groups || e.count() % r.groups != 0) return false;
    return !given.correction || (e.routing.correction = numbers(*given.correction, e.count())) != nullptr;
  }

  bool read_biases(ExpertMlp& e) {
    const auto& [gate, up, down] = std::tie(parts_.experts->gate_bias, parts_.experts->up_bias, parts_.experts->down_bias);
    if (!up || !down) return false;
    ExpertStacks& s = e.stacks;
    s.gate_bias = rows_of(*gate, e.count(), s.gate.N), s.up_bias = rows_of(*up, e.count(), s.up.N);
    s.down_bias = rows_of(*down, e.count(), s.down.N);
    return s.gate_bias && s.up_bias && s.down_bias;
  }

  const float* rows_of(const mx::array& a, size_t rows, size_t n) {
    const bool fits = is_plain_float32(a) && a.ndim() == 2 && static_cast<size_t>(a.shape(0)) == rows &&
                      static_cast<size_t>(a.shape(1)) == n && is_computed(a);
    return fits ? pointer<float>(a) : nullptr;
  }

  bool read_beside() {
    const LayerExperts& e = *parts_.experts;
    if (!e.router_norm || !e.mlp_norm_after || !e.norm_after) return false;
    const size_t E = layer_->E;
    const BesideNorms n{numbers(*e.router_norm, E), numbers(*e.norm, E), numbers(*e.mlp_norm_after, E), numbers(*e.norm_after, E)};
    layer_->beside = n;
    return n.router && n.before && n.mlp_after && n.after;
  }

  // What follows the MLP.
  bool read_end() {
    PreparedLayer& l = *layer_;
    if (parts_.factor) {
      const float* factor = numbers(*parts_.factor, 1);
      if (!factor) return false;
      l.factor = *factor;
    }
    if (!parts_.input_norm) return l.has_mlp || l.factor == 1;
    PreparedInput i{};
    const size_t first = end_matrices();
    if (!l.has_mlp || !matrix(first, l.E, i.gate) || !matrix(first + 1, i.gate.N, i.down) || i.down.N != l.E) return false;
    i.norm = numbers(*parts_.input_norm, l.E);
    l.input = i;
    return i.norm != nullptr;
  }

  bool read_shared(SharedExpert& e) {
    const size_t E = layer_->E, first = first_of_shared(), last = first + static_cast<size_t>(parts_.experts->shared_matrices);
    if (is_gateless()) {
      if (last - first != 2 || !matrix(first, E, e.gate)) return false;
    } else if (last - first == 2) {
      LayerMatrix gate{}, up{};
      gate.N = up.N = static_cast<size_t>(parts_.matrices[3 * first].shape(-2)) / 2;
      if (!split_matrix(first, E, {&gate, &up})) return false;
      e.gate = gate, e.up = up;
    } else if (!matrix(first, E, e.gate) || !matrix(first + 1, E, e.up) || e.up.N != e.gate.N) {
      return false;
    }
    if (!matrix(last - 1, e.gate.N, e.down) || e.down.N != E) return false;
    return !parts_.experts->has_shared_gate || (matrix(last, E, e.scorer.emplace()) && e.scorer->N == 1);
  }

  const DecoderLayerParts& parts_;
  const LayerTurn& turn_;
  std::shared_ptr<PreparedLayer> layer_ = std::make_shared<PreparedLayer>();
};

}  // namespace

std::shared_ptr<const PreparedLayer> read_layer(const DecoderLayerParts& parts, const LayerTurn& turn) {
  return LayerReader(parts, turn).read();
}

}  // namespace abstractllm::cpu
