// What TypeScript and the tests can ask of the CPU kernels.
#include "../bind.h"
#include "decoder_layer.h"
#include "dispatch.h"
#include "matmul.h"
#include "thread_pool.h"

namespace abstractllm {

namespace {

using Layers = std::vector<std::shared_ptr<const cpu::PreparedLayer>>;

// Marks the objects that hold Layers: others must never be taken for one.
constexpr napi_type_tag kLayersTag{0x6d6c785f6c617965, 0x725f646563303031};

napi_value layers_object(Layers layers, Env& e) {
  napi_value object = nullptr;
  auto owned = std::make_unique<Layers>(std::move(layers));
  auto release = [](napi_env, void* data, void*) { delete static_cast<Layers*>(data); };
  check(napi_create_object(e.env, &object), "could not make an object");
  check(napi_wrap(e.env, object, owned.get(), release, nullptr, nullptr), "could not hold layers");
  owned.release();
  check(napi_type_tag_object(e.env, object, &kLayersTag), "could not mark layers");
  return object;
}

const Layers& layers_of(napi_value object, Env& e) {
  napi_valuetype type = napi_undefined;
  bool are_layers = false;
  void* data = nullptr;
  if (object) napi_typeof(e.env, object, &type);
  if (type == napi_object) napi_check_object_type_tag(e.env, object, &kLayersTag, &are_layers);
  if (!are_layers || napi_unwrap(e.env, object, &data) != napi_ok) {
    throw AddonError("invalid-argument", "expected prepared layers");
  }
  return *static_cast<Layers*>(data);
}

}  // namespace

template <>
struct Reader<Layers> {
  static Layers read(Env& e, napi_value v) { return layers_of(v, e); }
};

template <>
struct Reader<std::vector<Layers>> {
  static std::vector<Layers> read(Env& e, napi_value v) {
    return read_list<std::vector<Layers>, Layers>(e, v, "expected a list of layers");
  }
};

void register_cpu(Env* e, napi_value x) {
  // `experts` is empty, or how many are asked and whether their scores are normed
  bind(e, x, "prepareDecoderLayer",
       [](const std::vector<mx::array>& matrices, const std::vector<int>& bits, const std::vector<int>& groups,
          const std::vector<mx::array>& rows, const std::vector<mx::array>& norms, float eps, int heads, int key_heads,
          float scale, const std::string& activation, const std::vector<int>& experts, int dims, bool traditional,
          const std::optional<float>& base, float rope_scale, const std::optional<mx::array>& freqs, Env& env) {
         if (!experts.empty() && experts.size() != 2) throw AddonError("invalid-argument", "expected two numbers of experts");
         std::optional<cpu::LayerExperts> asked;
         if (!experts.empty()) asked = {experts[0], experts[1] != 0};
         auto layer = cpu::prepare_decoder_layer(
             {matrices, bits, groups, rows, norms, eps, heads, key_heads, scale, activation, asked},
             {dims, traditional, base, rope_scale, freqs});
         napi_value nothing = nullptr;
         napi_get_undefined(env.env, &nothing);
         return layer ? layers_object({std::move(layer)}, env) : nothing;
       });
  bind(e, x, "joinDecoderLayers", [](const std::vector<Layers>& parts, Env& env) {
    Layers all;
    for (const Layers& part : parts) all.insert(all.end(), part.begin(), part.end());
    return layers_object(std::move(all), env);
  });
  // `buffers` are keys and values of each layer, `rows` where new ones of each start, where those it sees end, and the
  // bits and group size of quantized ones, or 0
  bind(e, x, "decoderLayers",
       [](const Layers& layers, const mx::array& x, const std::vector<mx::array>& buffers,
          const std::vector<int>& rows, const std::vector<int>& turns, const std::vector<int>& first,
          const std::vector<mx::array>& after) -> std::vector<mx::array> {
         if (buffers.size() % 2 != 0 || rows.size() != 2 * buffers.size()) {
           throw AddonError("invalid-argument", "expected two buffers and four numbers for each layer");
         }
         std::vector<cpu::CacheRoom> rooms;
         for (size_t i = 0, r = 0; i < buffers.size(); i += 2, r += 4) {
           rooms.push_back({buffers[i], buffers[i + 1], rows[r], rows[r + 1], rows[r + 2], rows[r + 3]});
         }
         const std::optional<mx::array> h = cpu::decoder_layers(layers, x, rooms, {turns, first}, after);
         if (!h) return {};
         return {*h};
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
  bind(e, x, "setCpuLevel", [](const std::string& name) {
    cpu::Isa level;
    if (!cpu::isa_from_name(name, level)) {
      throw AddonError("invalid-argument", "expected " + cpu::isa_names() + " but received " + name);
    }
    if (!cpu::set_isa(level)) throw AddonError("unavailable", "this processor has no " + name);
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
