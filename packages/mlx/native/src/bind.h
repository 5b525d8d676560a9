// The one boundary between JavaScript and C++: converts arguments by the function's own types, calls it, and
// turns every exception into a JavaScript error that carries the operation's name and the shapes it was given.
#pragma once

#include "convert.h"

namespace abstractllm {

constexpr size_t kMaxArgs = 16;

void throw_js(Env& e, const char* code, const char* op, const std::string& message, const std::string& shapes);

template <typename A>
void describe(Env& e, napi_value v, std::string& out) {
  auto one = [&](const mx::array& a) {
    out += out.empty() ? "" : ", ";
    out += dtype_name(a.dtype());
    out += "[";
    for (size_t i = 0; i < a.ndim(); i++) out += std::string(i ? "," : "") + std::to_string(a.shape(i));
    out += "]";
  };
  try {
    if constexpr (std::is_same_v<A, mx::array>) one(Reader<A>::read(e, v));
    if constexpr (std::is_same_v<A, std::optional<mx::array>>)
      if (auto a = Reader<A>::read(e, v)) one(*a);
    if constexpr (std::is_same_v<A, Operand>)
      if (auto o = Reader<A>::read(e, v); o.array) one(*o.array);
    if constexpr (std::is_same_v<A, std::vector<mx::array>>)
      for (auto& a : Reader<A>::read(e, v)) one(a);
  } catch (...) {
    // the argument itself was what went wrong
  }
}

template <typename F, typename R, typename... A>
napi_value invoke(const Binding& b, napi_value* argv, R (F::*)(A...) const) {
  Env& e = *b.env;
  const char* code = "native";
  std::string message;
  try {
    return [&]<size_t... I>(std::index_sequence<I...>) -> napi_value {
      if constexpr (std::is_void_v<R>) {
        F{}(Reader<std::decay_t<A>>::read(e, argv[I])...);
        return nullptr;
      } else {
        return write(e, F{}(Reader<std::decay_t<A>>::read(e, argv[I])...));
      }
    }(std::index_sequence_for<A...>{});
  } catch (const AddonError& error) {
    code = error.code;
    message = error.what();
  } catch (const std::bad_alloc& error) {
    code = "out-of-memory";
    message = error.what();
  } catch (const std::exception& error) {
    message = error.what();
  } catch (...) {
    message = "unknown native error";
  }
  bool pending = false;
  napi_is_exception_pending(e.env, &pending);
  if (pending) return nullptr;  // thrown by JavaScript that we called
  std::string shapes;
  [&]<size_t... I>(std::index_sequence<I...>) {
    (describe<std::decay_t<A>>(e, argv[I], shapes), ...);
  }(std::index_sequence_for<A...>{});
  throw_js(e, code, b.name, message, shapes);
  return nullptr;
}

template <typename F>
napi_value trampoline(napi_env env, napi_callback_info info) {
  size_t argc = kMaxArgs;
  napi_value argv[kMaxArgs];  // N-API fills what the caller left out with undefined
  void* data = nullptr;
  napi_get_cb_info(env, info, &argc, argv, nullptr, &data);
  return invoke<F>(*static_cast<Binding*>(data), argv, &F::operator());
}

// Adds function `name` to `exports`. F is a captureless lambda; its parameter types are the contract.
template <typename F>
void bind(Env* e, napi_value exports, const char* name, F) {
  static_assert(std::is_empty_v<F>, "bound functions capture nothing: state belongs in Env");
  auto* data = new Binding{name, e};  // lives as long as the process: functions may outlive exports
  napi_value fn;
  napi_create_function(e->env, name, NAPI_AUTO_LENGTH, trampoline<F>, data, &fn);
  napi_set_named_property(e->env, exports, name, fn);
}

void register_ops(Env* e, napi_value exports);
void register_array(Env* e, napi_value exports);
void register_runtime(Env* e, napi_value exports);
void register_weights(Env* e, napi_value exports);
void register_compile(Env* e, napi_value exports);
void register_cpu(Env* e, napi_value exports);

}  // namespace abstractllm
