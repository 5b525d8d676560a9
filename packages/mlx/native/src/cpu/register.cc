// What TypeScript and the tests can ask of the CPU kernels.
#include <algorithm>

#include "../bind.h"
#include "composed_layer.h"
#include "decoder_layer.h"
#include "delta_mixer.h"
#include "delta_rule.h"
#include "dispatch.h"
#include "mamba_mixer.h"
#include "matmul.h"
#include "short_conv.h"
#include "thread_pool.h"

namespace abstractllm {

namespace {

using Layers = std::vector<std::shared_ptr<const cpu::PreparedLayer>>;
using Bound = std::shared_ptr<const cpu::BoundLayers>;

// Marks the objects that hold a T: others must never be taken for one.
template <typename T>
constexpr napi_type_tag kTag{};
template <>
constexpr napi_type_tag kTag<Layers>{0x6d6c785f6c617965, 0x725f646563303031};
template <>
constexpr napi_type_tag kTag<Bound>{0x6d6c785f6c617965, 0x725f626f756e6401};

template <typename T>
napi_value object_with(T held, Env& e) {
  napi_value object = nullptr;
  auto owned = std::make_unique<T>(std::move(held));
  auto release = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
  check(napi_create_object(e.env, &object), "could not make an object");
  check(napi_wrap(e.env, object, owned.get(), release, nullptr, nullptr), "could not hold layers");
  owned.release();
  check(napi_type_tag_object(e.env, object, &kTag<T>), "could not mark layers");
  return object;
}

template <typename T>
const T& held_by(napi_value object, Env& e) {
  napi_valuetype type = napi_undefined;
  bool is_marked = false;
  void* data = nullptr;
  if (object) napi_typeof(e.env, object, &type);
  if (type == napi_object) napi_check_object_type_tag(e.env, object, &kTag<T>, &is_marked);
  if (!is_marked || napi_unwrap(e.env, object, &data) != napi_ok) {
    throw AddonError("invalid-argument", "expected prepared layers");
  }
  return *static_cast<T*>(data);
}

std::vector<mx::array> list_of(std::optional<mx::array> a) {
  if (!a) return {};
  return {std::move(*a)};
}

// Numbers that describe a layer, and the slots of its arrays: read at each step, so that nothing keeps the arrays.
class LayerReader {
 public:
  LayerReader(Env& e, const Int32s& layout, const Int32s& slots) : env_(e), layout_(layout.values), slots_(slots.values) {}

  int number() { return taken(layout_, next_number_); }
  std::vector<int> numbers(int count) { return list(count, [this] { return number(); }); }
  mx::array array() { return env_.arrays.get(static_cast<uint32_t>(taken(slots_, next_slot_))); }
  std::vector<mx::array> arrays(int count) { return list(count, [this] { return array(); }); }

 private:
  static int taken(const std::vector<int32_t>& from, size_t& next) {
    if (next >= from.size()) throw AddonError("invalid-argument", "the layer has fewer parts than it says");
    return from[next++];
  }

  template <typename F>
  auto list(int count, F take) -> std::vector<decltype(take())> {
    std::vector<decltype(take())> all;
    for (int i = 0; i < count; i++) all.push_back(take());
    return all;
  }

  Env& env_;
  const std::vector<int32_t>&layout_, &slots_;
  size_t next_number_ = 0, next_slot_ = 0;
};

const char* const kActivations[] = {"", "swiglu", "geglu"};
constexpr int kKeySources = 4;
constexpr int kCodings = 4;
constexpr int kScoreKinds = 3;

napi_value nothing(Env& e) {
  napi_value undefined = nullptr;
  napi_get_undefined(e.env, &undefined);
  return undefined;
}

std::vector<cpu::RowSpan> spans_of(const Int32s& numbers) {
  const std::vector<int32_t>& n = numbers.values;
  if (n.size() % 3 != 0) throw AddonError("invalid-argument", "expected three numbers for each layer");
  std::vector<cpu::RowSpan> spans(n.size() / 3);
  for (size_t i = 0; i < spans.size(); i++) spans[i] = {n[3 * i], n[3 * i + 1], n[3 * i + 2]};
  return spans;
}

std::vector<std::optional<cpu::MatrixUpdate>> updates_of(const std::vector<std::optional<mx::array>>& arrays) {
  if (arrays.size() % 3 != 0) throw AddonError("invalid-argument", "expected three arrays for each matrix");
  std::vector<std::optional<cpu::MatrixUpdate>> updates(arrays.size() / 3);
  for (size_t i = 0; i < updates.size(); i++) {
    const auto &down = arrays[3 * i], &up = arrays[3 * i + 1], &gains = arrays[3 * i + 2];
    if (down && up) updates[i] = {*down, *up, gains};
  }
  return updates;
}

using Arrays = std::vector<std::optional<mx::array>>;

std::optional<cpu::LayerExperts> experts_of(const std::vector<int>& numbers, const std::vector<float>& scores, const Arrays& others) {
  if (numbers.empty()) return std::nullopt;
  for (int n : numbers) {
    if (n < 0) throw AddonError("invalid-argument", "expected numbers of experts that are not negative");
  }
  const auto count = [&](size_t i) { return static_cast<size_t>(numbers[i]); };
  if (numbers[4] >= kScoreKinds) throw AddonError("invalid-argument", "unknown scores");
  const cpu::Routing routing{static_cast<cpu::ScoreKind>(numbers[4]), count(0), numbers[1] != 0, scores[0], count(5), count(6),
                             scores[1]};
  return cpu::LayerExperts{routing,   numbers[2], numbers[3] != 0, others[4],  others[5],  others[6],  others[7],
                           others[8], others[9],  others[10],      others[11], others[12], others[13], others[14]};
}

std::optional<cpu::LayerDelta> delta_of(const Arrays& parts) {
  if (parts.size() != 4) return std::nullopt;
  const bool are_there = std::all_of(parts.begin(), parts.end(), [](const auto& a) { return a.has_value(); });
  if (!are_there) throw AddonError("invalid-argument", "expected four arrays of linear attention");
  return cpu::LayerDelta{*parts[0], *parts[1], *parts[2], *parts[3]};
}

std::optional<cpu::LayerConv> conv_of(const Arrays& parts) {
  if (parts.size() != 1) return std::nullopt;
  if (!parts[0]) throw AddonError("invalid-argument", "expected the taps of a convolution");
  return cpu::LayerConv{*parts[0]};
}

std::optional<cpu::LayerLatent> latent_of(const Arrays& parts, const std::vector<float>& numbers) {
  if (parts.size() != 2) return std::nullopt;
  if (!parts[0] || numbers.size() != 2) throw AddonError("invalid-argument", "expected a norm and two numbers of latent attention");
  return cpu::LayerLatent{*parts[0], parts[1], numbers[0], numbers[1] != 0};
}

std::optional<cpu::LayerMamba> mamba_of(const Arrays& parts, const std::vector<float>& steps) {
  if (parts.size() != 6) return std::nullopt;
  const bool are_there = std::all_of(parts.begin(), parts.begin() + 4, [](const auto& a) { return a.has_value(); });
  if (!are_there || steps.size() != 4) throw AddonError("invalid-argument", "expected four arrays and four numbers of Mamba");
  return cpu::LayerMamba{*parts[0], *parts[1], *parts[2], *parts[3], parts[4], parts[5],
                         steps[0],  steps[1],  steps[2],  static_cast<int>(steps[3])};
}

// `buffers` are two of each layer with a mixer, `formats` the bits and group size of quantized ones, or 0.
std::vector<cpu::CacheRoom> rooms_of(const std::vector<mx::array>& buffers, const std::vector<int>& formats) {
  if (buffers.size() % 2 != 0 || formats.size() != buffers.size()) {
    throw AddonError("invalid-argument", "expected two buffers and two numbers for each mixer");
  }
  std::vector<cpu::CacheRoom> rooms;
  for (size_t i = 0; i < buffers.size(); i += 2) rooms.push_back({buffers[i], buffers[i + 1], formats[i], formats[i + 1]});
  return rooms;
}

}  // namespace

template <>
struct Reader<Layers> {
  static Layers read(Env& e, napi_value v) { return held_by<Layers>(v, e); }
};

template <>
struct Reader<Bound> {
  static Bound read(Env& e, napi_value v) { return held_by<Bound>(v, e); }
};

template <>
struct Reader<std::vector<Layers>> {
  static std::vector<Layers> read(Env& e, napi_value v) {
    return read_list<std::vector<Layers>, Layers>(e, v, "expected a list of layers");
  }
};

template <>
struct Reader<std::vector<std::optional<mx::array>>> {
  static std::vector<std::optional<mx::array>> read(Env& e, napi_value v) {
    return read_list<std::vector<std::optional<mx::array>>, std::optional<mx::array>>(e, v, "expected a list of arrays");
  }
};

void register_cpu(Env* e, napi_value x) {
  // `formats` are the bits, group size and coding of each matrix, `updates` three arrays for each, or nothing in their places;
  // `heads` are those of queries and of keys, whether there are gates, where keys come from, whether values are normed, whether
  // gate and up are one matrix, whether heads are normed behind their turn, whether the input of branches is, and whether there is
  // a mixer; `factors` eps, scale, cap and residual of the parts, the growth of what turns, and beta and the trained length, or 0,
  // of the growth of queries; `experts` is empty, or how many are asked, whether their scores are normed, matrices of a shared
  // one, whether that has a gate, the kind of scores, groups, and how many of them are kept, `scores` what they are multiplied by
  // and what is left of others; `mixer` is empty, or taps of a convolution, or norms of latents and of squeezed queries of latent
  // attention, the last or nothing in its place, or taps, log rates, biases and norm of linear attention, or taps, log rates,
  // biases of steps, skips, biases of the convolution and norm of Mamba, the last two or nothing in their places; `mixer_numbers`
  // then are eps of both norms of latent attention and whether heads attend to latents as they are, or the shortest and longest
  // time step of Mamba, eps and groups of its norm; `turn` how many features turn,
  // and whether neighbours do; `others` are frequencies, sinks, the norm of the input, the factor, and of experts the router, its
  // row, correction, scales, three biases and four norms, or nothing in their places
  bind(e, x, "prepareDecoderLayer",
       [](const std::vector<mx::array>& matrices, const std::vector<int>& formats,
          const std::vector<std::optional<mx::array>>& updates, const std::vector<mx::array>& rows,
          const std::vector<mx::array>& norms, const std::vector<mx::array>& norms_after, const std::vector<int>& heads,
          const std::vector<float>& factors, const std::string& activation, const std::vector<int>& experts,
          const std::vector<float>& scores, const std::vector<std::optional<mx::array>>& mixer,
          const std::vector<float>& mixer_numbers, const std::vector<float>& turn, const std::vector<std::optional<mx::array>>& others,
          Env& env) {
         const bool are_sizes_right = formats.size() % 3 == 0 && heads.size() == 9 && factors.size() == 7 &&
                                      (turn.size() == 3 || turn.size() == 4) && (experts.empty() || experts.size() == 7) &&
                                      scores.size() == 2 && others.size() == 15 &&
                                      (mixer.size() <= 2 || mixer.size() == 4 || mixer.size() == 6) && heads[3] >= 0 &&
                                      heads[3] < kKeySources;
         if (!are_sizes_right) throw AddonError("invalid-argument", "expected other numbers of formats, heads, factors or experts");
         std::vector<int> bits, groups;
         std::vector<cpu::Coding> codings;
         for (size_t i = 0; i < formats.size(); i += 3) {
           bits.push_back(formats[i]), groups.push_back(formats[i + 1]);
           if (formats[i + 2] < 0 || formats[i + 2] >= kCodings) throw AddonError("invalid-argument", "unknown coding");
           codings.push_back(static_cast<cpu::Coding>(formats[i + 2]));
         }
         std::optional<float> base;
         if (turn.size() == 4) base = turn[3];
         std::optional<cpu::QueryGrowth> query_growth;
         if (factors[6] > 0) query_growth = {factors[5], factors[6]};
         auto layer = cpu::prepare_decoder_layer(
             {matrices, bits, groups, codings, updates_of(updates), rows, norms, norms_after, heads[0], heads[1], heads[2] != 0,
              static_cast<cpu::KeySource>(heads[3]), heads[4] != 0, heads[6] != 0, heads[7] != 0, heads[8] != 0, factors[0],
              factors[1], factors[2], factors[3], heads[5] != 0,
              activation, experts_of(experts, scores, others), delta_of(mixer), mamba_of(mixer, mixer_numbers), conv_of(mixer),
              latent_of(mixer, mixer_numbers), others[1], others[2], others[3]},
             {static_cast<int>(turn[0]), turn[1] != 0, base, turn[2], others[0], factors[4], query_growth});
         return layer ? object_with<Layers>({std::move(layer)}, env) : nothing(env);
       });
  // `layout`: the activation, heads of queries and keys, features that turn and how, whether there are frequencies; counts
  // of matrices, rows, norms and norms after; bits of each matrix, then groups. `slots`: matrices, rows, norms, norms after,
  // frequencies. `factors` as above.
  bind(e, x, "composedLayer",
       [](const mx::array& x, const mx::array& keys, const mx::array& values, const Int32s& slots, const Int32s& layout,
          const std::vector<float>& factors, const std::optional<float>& base, float rope_scale, int start, int position,
          Env& env) {
         if (factors.size() != 4) throw AddonError("invalid-argument", "expected four factors");
         LayerReader read(env, layout, slots);
         const auto activation = static_cast<size_t>(read.number());
         if (activation >= std::size(kActivations)) throw AddonError("invalid-argument", "unknown activation");
         const int heads = read.number(), key_heads = read.number(), dims = read.number();
         const bool traditional = read.number() != 0, has_freqs = read.number() != 0;
         const int matrices = read.number(), rows = read.number(), norms = read.number(), after = read.number();
         std::vector<int> bits = read.numbers(matrices), groups = read.numbers(matrices);
         std::vector<mx::array> arrays = read.arrays(3 * matrices), added = read.arrays(rows), weights = read.arrays(norms);
         std::vector<mx::array> weights_after = read.arrays(after);
         std::optional<mx::array> freqs;
         if (has_freqs) freqs = read.array();
         return cpu::composed_layer({std::move(arrays), std::move(bits), std::move(groups), {}, {}, std::move(added),
                                     std::move(weights), std::move(weights_after), heads, key_heads, false,
                                     cpu::KeySource::own, false, false, true, true, factors[0], factors[1], factors[2], factors[3],
                                     false, kActivations[activation], {}, {}, {}, {}, {}, {}, {}, {}},
                                    {dims, traditional, base, rope_scale, freqs, 1, {}}, x, keys, values, start, position);
       });
  bind(e, x, "joinDecoderLayers", [](const std::vector<Layers>& parts, Env& env) {
    Layers all;
    for (const Layers& part : parts) all.insert(all.end(), part.begin(), part.end());
    return object_with(std::move(all), env);
  });
  // `spans` are where new rows of each layer start, where those it sees end, and how many it sees at most; `inputs` are the layers' own
  bind(e, x, "decoderLayers",
       [](const Layers& layers, const mx::array& x, const std::vector<mx::array>& buffers, const std::vector<int>& formats,
          const Int32s& spans, const std::vector<int>& turns, const std::vector<int>& first, const std::vector<mx::array>& after,
          const std::optional<mx::array>& inputs) {
         return list_of(cpu::decoder_layers(layers, x, rooms_of(buffers, formats), spans_of(spans), {turns, first}, after, inputs));
       });
  bind(e, x, "bindDecoderLayers",
       [](const Layers& layers, const std::vector<mx::array>& buffers, const std::vector<int>& formats, Env& env) {
         Bound bound = cpu::bind_decoder_layers(layers, rooms_of(buffers, formats));
         return bound ? object_with(std::move(bound), env) : nothing(env);
       });
  bind(e, x, "boundDecoderLayers",
       [](const Bound& layers, const mx::array& x, const Int32s& spans, const std::vector<int>& turns,
          const std::vector<int>& first, const std::vector<mx::array>& after, const std::optional<mx::array>& inputs) {
         return list_of(cpu::decoder_layers(*layers, x, spans_of(spans), {turns, first}, after, inputs));
       });
  bind(e, x, "deltaRule",
       [](const mx::array& q, const mx::array& k, const mx::array& v, const mx::array& log_decay, const mx::array& beta,
          const mx::array& state, bool is_sum) {
         return cpu::delta_rule({q, k, v, log_decay, beta, state}, is_sum ? cpu::StateRule::sum : cpu::StateRule::delta);
       });
  bind(e, x, "shortConv", [](const mx::array& x, const mx::array& taps, const mx::array& past) {
    return cpu::short_conv(x, taps, past);
  });
  // `parts` are those of DeltaMixerInputs in order
  bind(e, x, "deltaMixer", [](const std::vector<mx::array>& parts, int key_heads, float eps) {
    if (parts.size() != 10) throw AddonError("invalid-argument", "expected ten arrays of a layer");
    return cpu::delta_mixer({parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7], parts[8], parts[9],
                             key_heads, eps});
  });
  // `parts` are those of MambaMixerInputs in order without those that may be missing, which are in `others`; `groups` those of
  // heads and of the norm, `factors` the shortest and the longest time step and eps
  bind(e, x, "mambaMixer",
       [](const std::vector<mx::array>& parts, const std::vector<std::optional<mx::array>>& others, const std::vector<int>& groups,
          const std::vector<float>& factors) {
         if (parts.size() != 7 || others.size() != 2 || groups.size() != 2 || factors.size() != 3) {
           throw AddonError("invalid-argument", "expected other numbers of arrays, groups or factors");
         }
         return cpu::mamba_mixer({parts[0], parts[1], parts[2], parts[3], parts[4], others[0], others[1], parts[5], parts[6],
                                  {factors[0], factors[1], factors[2], groups[0], groups[1]}});
       });
  bind(e, x, "setThreads", [](int n) {
    if (n < 0) throw AddonError("invalid-argument", "expected 0 or more threads but received " + std::to_string(n));
    cpu::set_thread_count(static_cast<size_t>(n));
  });
  bind(e, x, "getThreads", [] { return cpu::thread_count(); });
  bind(e, x, "cpuFeatures", [] { return std::string(cpu::isa_name(cpu::best_isa())); });
  bind(e, x, "cpuLevels", [](Env& env) {
    std::vector<std::string> names;
    for (int level = 0; level < cpu::kIsaCount; level++) {
      const auto isa = static_cast<cpu::Isa>(level);
      if (cpu::has_isa(isa)) names.push_back(cpu::isa_name(isa));
    }
    return write_list(env, names);
  });
  bind(e, x, "cpuLevel", [] { return std::string(cpu::isa_name(cpu::isa())); });
  bind(e, x, "setCpuLevel", [](const std::string& name, std::optional<bool> halves_wide_vectors) {
    cpu::Isa level;
    if (!cpu::isa_from_name(name, level)) {
      throw AddonError("invalid-argument", "expected " + cpu::isa_names() + " but received " + name);
    }
    if (!cpu::set_isa(level)) throw AddonError("unavailable", "this processor has no " + name);
    if (halves_wide_vectors && !cpu::set_halves_wide_vectors(*halves_wide_vectors)) {
      throw AddonError("unavailable", name + " has no vectors of 512 bits");
    }
  });
  bind(e, x, "forceStock", [](bool on) { cpu::settings().force_stock = on; });
  bind(e, x, "hasCoarseProducts", [] { return cpu::has_coarse_products(); });
  bind(e, x, "setRounding", [](int bits) {
    cpu::settings().rounding = bits == 8    ? cpu::Rounding::to_8_bits
                               : bits == 16 ? cpu::Rounding::to_16_bits
                                            : cpu::Rounding::none;
  });
}

}  // namespace abstractllm
