// Module entry: one Env per Node environment, freed when the environment ends.
#include "bind.h"

namespace abstractllm {

namespace {

// Arrays must go on the thread that owns their streams, before the thread ends.
void destroy(void* data) {
  auto* e = static_cast<Env*>(data);
  try {
    mx::synchronize();
  } catch (...) {
    // a failed task was already reported to whoever asked for its result
  }
  e->arrays.clear();
  mx::clear_streams();
  delete e;
}

void register_setup(Env* e, napi_value x) {
  bind(e, x, "configure", [](napi_value scalars, napi_value error_factory, Env& env) {
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    napi_valuetype factory_type = napi_undefined;
    napi_typeof(env.env, error_factory, &factory_type);
    if (factory_type != napi_function) throw AddonError("invalid-argument", "expected a function that makes errors");
    check(napi_get_typedarray_info(env.env, scalars, &type, &length, &data, nullptr, nullptr), "expected a Float64Array");
    if (type != napi_float64_array || length < kMaxScalars) {
      throw AddonError("invalid-argument", "expected a Float64Array of at least 8 elements");
    }
    if (env.scalars_ref) napi_delete_reference(env.env, env.scalars_ref);
    if (env.error_factory) napi_delete_reference(env.env, env.error_factory);
    env.scalars = static_cast<double*>(data);
    napi_create_reference(env.env, scalars, 1, &env.scalars_ref);
    napi_create_reference(env.env, error_factory, 1, &env.error_factory);
  });
}

}  // namespace

void throw_js(Env& e, const char* code, const char* op, const std::string& message, const std::string& shapes) {
  if (!e.error_factory) {
    napi_throw_error(e.env, code, message.c_str());
    return;
  }
  napi_value factory, undefined, error;
  napi_value args[] = {write(e, std::string(code)), write(e, std::string(op)), write(e, message), write(e, shapes)};
  napi_get_undefined(e.env, &undefined);
  napi_get_reference_value(e.env, e.error_factory, &factory);
  if (napi_call_function(e.env, undefined, factory, 4, args, &error) == napi_ok) napi_throw(e.env, error);
}

}  // namespace abstractllm

NAPI_MODULE_INIT() {
  using namespace abstractllm;
  auto* e = new Env();
  e->env = env;
  napi_add_env_cleanup_hook(env, destroy, e);
  register_setup(e, exports);
  register_ops(e, exports);
  register_array(e, exports);
  register_runtime(e, exports);
  register_weights(e, exports);
  register_compile(e, exports);
  register_cpu(e, exports);
  return exports;
}
