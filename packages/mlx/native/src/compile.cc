// mx.compile: traces a JavaScript function over lists of arrays.
#include "bind.h"
#include "mlx/compile_impl.h"

namespace abstractllm {

namespace {

// Calls the traced JavaScript function with fresh slots; they are released by JavaScript after the trace.
std::vector<mx::array> call_js(Env& e, napi_value fn, const std::vector<mx::array>& inputs) {
  napi_value args = write(e, std::vector<mx::array>(inputs));
  napi_value undefined, result;
  napi_get_undefined(e.env, &undefined);
  if (napi_call_function(e.env, undefined, fn, 1, &args, &result) != napi_ok) {
    throw AddonError("native", "the compiled function threw");  // the JavaScript exception stays pending
  }
  return Reader<std::vector<mx::array>>::read(e, result);
}

}  // namespace

void register_compile(Env* e, napi_value x) {
  // `id` identifies the function in MLX's compile cache; `fn` is called only while tracing.
  bind(e, x, "callCompiled", [](uint64_t id, napi_value fn, const std::vector<mx::array>& inputs, bool shapeless, Env& env) {
    napi_valuetype type = napi_undefined;
    napi_typeof(env.env, fn, &type);
    if (type != napi_function) throw AddonError("invalid-argument", "expected a function");
    auto traced = [&](const std::vector<mx::array>& in) { return call_js(env, fn, in); };
    auto compiled = mx::detail::compile(traced, id, shapeless, {});
    return compiled(inputs);
  });
  bind(e, x, "eraseCompiled", [](uint64_t id) { mx::detail::compile_erase(mx::detail::compile_cache(), id); });
}

}  // namespace abstractllm
