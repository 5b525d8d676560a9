// What TypeScript and the tests can ask of the CPU kernels.
#include "../bind.h"
#include "decoder_layer.h"
#include "dispatch.h"
#include "thread_pool.h"

namespace abstractllm {

namespace {

using LayerPointer = std::shared_ptr<const cpu::PreparedLayer>;

// Marks the objects that hold a LayerPointer: others must never be taken for one.
constexpr napi_type_tag kLayerTag{0x6d6c785f6c617965, 0x725f646563303031};

napi_value layer_object(LayerPointer layer, Env& e) {
  napi_value object = nullptr;
  if (!layer) {
    napi_get_undefined(e.env, &object);
    return object;
  }
  auto owned = std::make_unique<LayerPointer>(std::move(layer));
  auto release = [](napi_env, void* data, void*) { delete static_cast<LayerPointer*>(data); };
  check(napi_create_object(e.env, &object), "could not make an object");
  check(napi_wrap(e.env, object, owned.get(), release, nullptr, nullptr), "could not hold a layer");
  owned.release();
  check(napi_type_tag_object(e.env, object, &kLayerTag), "could not mark a layer");
  return object;
}

const LayerPointer& layer_of(napi_value object, Env& e) {
  napi_valuetype type = napi_undefined;
  bool is_layer = false;
  void* data = nullptr;
  if (object) napi_typeof(e.env, object, &type);
  if (type == napi_object) napi_check_object_type_tag(e.env, object, &kLayerTag, &is_layer);
  if (!is_layer || napi_unwrap(e.env, object, &data) != napi_ok) {
    throw AddonError("invalid-argument", "expected a prepared layer");
  }
  return *static_cast<LayerPointer*>(data);
}

}  // namespace

void register_cpu(Env* e, napi_value x) {
  bind(e, x, "prepareDecoderLayer",
       [](const std::vector<mx::array>& matrices, const std::vector<int>& bits, const std::vector<int>& groups,
          const std::vector<mx::array>& rows, const std::vector<mx::array>& norms, float eps, int heads, int key_heads,
          float scale, const std::string& activation, int dims, bool traditional, const std::optional<float>& base,
          float rope_scale, const std::optional<mx::array>& freqs, Env& env) {
         return layer_object(cpu::prepare_decoder_layer(
                                 {matrices, bits, groups, rows, norms, eps, heads, key_heads, scale, activation},
                                 {dims, traditional, base, rope_scale, freqs}),
                             env);
       });
  bind(e, x, "decoderLayer",
       [](napi_value layer, const mx::array& h, const mx::array& keys, const mx::array& values, int start, int position,
          Env& env) {
         return cpu::decoder_layer(layer_of(layer, env), h, keys, values, start, position);
       });
  bind(e, x, "setThreads", [](int n) {
    if (n < 0) throw AddonError("invalid-argument", "expected 0 or more threads but received " + std::to_string(n));
    cpu::set_thread_count(static_cast<size_t>(n));
  });
  bind(e, x, "getThreads", [] { return cpu::thread_count(); });
  bind(e, x, "cpuFeatures", [] { return std::string(cpu::isa_name(cpu::best_isa())); });
  bind(e, x, "cpuLevel", [] { return std::string(cpu::isa_name(cpu::isa())); });
  bind(e, x, "setCpuLevel", [](const std::string& name) {
    cpu::Isa level;
    if (!cpu::isa_from_name(name, level)) {
      throw AddonError("invalid-argument",
                       "expected scalar, avx2, avx512 or avx512vnni but received " + name);
    }
    if (!cpu::set_isa(level)) throw AddonError("unavailable", "this processor has no " + name);
  });
  bind(e, x, "forceStock", [](bool on) { cpu::settings().force_stock = on; });
  bind(e, x, "setFastMatmul", [](bool on) { cpu::settings().fast_matmul = on; });
}

}  // namespace abstractllm
