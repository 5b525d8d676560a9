// Conversions between JavaScript values and the argument and result types of bound functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>

#include "env.h"
#include "memory_guard.h"
#include "mlx/mlx.h"

namespace abstractllm {

inline void check(napi_status status, const char* what) {
  if (status != napi_ok) throw AddonError("invalid-argument", what);
}

inline bool is_nullish(napi_env env, napi_value v) {
  if (!v) return true;
  napi_valuetype t;
  napi_typeof(env, v, &t);
  return t == napi_undefined || t == napi_null;
}

// An array, or a number or boolean that takes the dtype of the arrays beside it.
struct Operand {
  std::optional<mx::array> array;
  double number = 0;
  bool is_bool = false;
};

inline std::string text_of(double d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", d);
  return text;
}

mx::Dtype dtype_from_id(int id);
int dtype_id(mx::Dtype d);
const char* dtype_name(mx::Dtype d);

template <typename T>
struct Reader;

// A last parameter `Env&` gives a function the environment; it takes no argument from JavaScript.
template <>
struct Reader<Env> {
  static Env& read(Env& e, napi_value) { return e; }
};

template <>
struct Reader<napi_value> {
  static napi_value read(Env&, napi_value v) { return v; }
};

template <>
struct Reader<double> {
  static double read(Env& e, napi_value v) {
    double d = 0;
    check(v ? napi_get_value_double(e.env, v, &d) : napi_number_expected, "expected a number");
    return d;
  }
};

template <>
struct Reader<float> {
  static float read(Env& e, napi_value v) { return static_cast<float>(Reader<double>::read(e, v)); }
};

template <>
struct Reader<int> {
  static int read(Env& e, napi_value v) {
    double d = Reader<double>::read(e, v);
    // every bound integer is a C int: axes, sizes and offsets beyond it cannot be meant
    if (!(d >= -2147483648.0 && d <= 2147483647.0) || d != std::trunc(d)) {
      throw AddonError("invalid-argument", "expected a 32-bit integer but received " + text_of(d));
    }
    return static_cast<int>(d);
  }
};

template <>
struct Reader<uint64_t> {
  static uint64_t read(Env& e, napi_value v) {
    double d = Reader<double>::read(e, v);
    if (!(d >= 0 && d <= 9007199254740991.0) || d != std::trunc(d)) {
      throw AddonError("invalid-argument", "expected a non-negative safe integer but received " + text_of(d));
    }
    return static_cast<uint64_t>(d);
  }
};

template <>
struct Reader<bool> {
  static bool read(Env& e, napi_value v) {
    bool b = false;
    check(v ? napi_get_value_bool(e.env, v, &b) : napi_boolean_expected, "expected a boolean");
    return b;
  }
};

template <>
struct Reader<std::string> {
  static std::string read(Env& e, napi_value v) {
    char small[64];
    size_t n = 0;
    check(v ? napi_get_value_string_utf8(e.env, v, small, sizeof small, &n) : napi_string_expected,
          "expected a string");
    // whole characters only are copied: up to 3 bytes stay unused before one that does not fit
    if (n + 4 < sizeof small) return std::string(small, n);
    check(napi_get_value_string_utf8(e.env, v, nullptr, 0, &n), "expected a string");
    std::string s(n, '\0');
    check(napi_get_value_string_utf8(e.env, v, s.data(), n + 1, &n), "expected a string");
    return s;
  }
};

template <>
struct Reader<mx::Dtype> {
  static mx::Dtype read(Env& e, napi_value v) { return dtype_from_id(Reader<int>::read(e, v)); }
};

// An array is read as its own reference: a getter in a list read after it may release or move its slot.
template <>
struct Reader<mx::array> {
  static mx::array read(Env& e, napi_value v) {
    int32_t slot = 0;
    check(v ? napi_get_value_int32(e.env, v, &slot) : napi_number_expected, "expected an array");
    return e.arrays.get(static_cast<uint32_t>(slot));
  }
};

template <>
struct Reader<Operand> {
  static Operand read(Env& e, napi_value v) {
    int32_t slot = 0;
    check(v ? napi_get_value_int32(e.env, v, &slot) : napi_number_expected, "expected an array or a number");
    if (slot >= 0) return {e.arrays.get(static_cast<uint32_t>(slot)), 0, false};
    size_t k = static_cast<size_t>(-static_cast<int64_t>(slot)) - 1;  // booleans stand kMaxScalars further
    if (k >= 2 * kMaxScalars || !e.scalars) throw AddonError("invalid-argument", "expected an array or a number");
    bool is_bool = k >= kMaxScalars;
    return {std::nullopt, e.scalars[is_bool ? k - kMaxScalars : k], is_bool};
  }
};

// Elements are read one by one, each with its own conversion; `what` says what was expected.
template <typename List, typename T>
List read_list(Env& e, napi_value v, const char* what) {
  uint32_t n = 0;
  check(v ? napi_get_array_length(e.env, v, &n) : napi_array_expected, what);
  List out;
  out.reserve(std::min(n, 1024u));  // a length is only a claim: `new Array(2 ** 32 - 1)` is empty
  for (uint32_t i = 0; i < n; i++) {
    napi_handle_scope scope;
    napi_open_handle_scope(e.env, &scope);
    napi_value x = nullptr;
    bool is_read = napi_get_element(e.env, v, i, &x) == napi_ok;
    try {
      if (!is_read) throw AddonError("invalid-argument", what);
      out.push_back(Reader<T>::read(e, x));
    } catch (...) {
      napi_close_handle_scope(e.env, scope);
      throw;
    }
    napi_close_handle_scope(e.env, scope);
  }
  return out;
}

template <>
struct Reader<mx::Shape> {
  static mx::Shape read(Env& e, napi_value v) { return read_list<mx::Shape, int>(e, v, "expected a list of integers"); }
};

// A single number is a list of one: axes are written either way.
template <>
struct Reader<std::vector<int>> {
  static std::vector<int> read(Env& e, napi_value v) {
    napi_valuetype t = napi_undefined;
    if (v) napi_typeof(e.env, v, &t);
    if (t == napi_number) return {Reader<int>::read(e, v)};
    return read_list<std::vector<int>, int>(e, v, "expected a list of integers");
  }
};

template <>
struct Reader<std::vector<float>> {
  static std::vector<float> read(Env& e, napi_value v) {
    return read_list<std::vector<float>, float>(e, v, "expected a list of numbers");
  }
};

// An Int32Array, which is read at once. Copied: JavaScript that reading other arguments runs may free it.
struct Int32s {
  std::vector<int32_t> values;
};

template <>
struct Reader<Int32s> {
  static Int32s read(Env& e, napi_value v) {
    bool is_typed = false;
    if (v) napi_is_typedarray(e.env, v, &is_typed);
    napi_typedarray_type type = napi_uint8_array;
    void* data = nullptr;
    size_t size = 0;
    if (is_typed) napi_get_typedarray_info(e.env, v, &type, &size, &data, nullptr, nullptr);
    if (type != napi_int32_array) throw AddonError("invalid-argument", "expected an Int32Array");
    const auto* first = static_cast<const int32_t*>(data);
    return {std::vector<int32_t>(first, first + size)};
  }
};

template <>
struct Reader<std::vector<mx::array>> {
  static std::vector<mx::array> read(Env& e, napi_value v) {
    return read_list<std::vector<mx::array>, mx::array>(e, v, "expected a list of arrays");
  }
};

template <typename T>
struct Reader<std::optional<T>> {
  static std::optional<T> read(Env& e, napi_value v) {
    if (is_nullish(e.env, v)) return std::nullopt;
    return Reader<T>::read(e, v);
  }
};

// An optional array is slot 0.
template <>
struct Reader<std::optional<mx::array>> {
  static std::optional<mx::array> read(Env& e, napi_value v) {
    int32_t slot = 0;
    check(v ? napi_get_value_int32(e.env, v, &slot) : napi_number_expected, "expected an array or nothing");
    if (slot == 0) return std::nullopt;
    return e.arrays.get(static_cast<uint32_t>(slot));
  }
};

inline napi_value write(Env& e, mx::array&& a) {
  check_size(a);
  napi_value out;
  napi_create_uint32(e.env, e.arrays.add(std::move(a)), &out);
  return out;
}

inline napi_value write(Env& e, double d) {
  napi_value out;
  napi_create_double(e.env, d, &out);
  return out;
}

inline napi_value write(Env& e, int d) {
  napi_value out;
  napi_create_int32(e.env, d, &out);
  return out;
}

inline napi_value write(Env& e, size_t n) { return write(e, static_cast<double>(n)); }

inline napi_value write(Env& e, bool b) {
  napi_value out;
  napi_get_boolean(e.env, b, &out);
  return out;
}

inline napi_value write(Env& e, const std::string& s) {
  napi_value out;
  napi_create_string_utf8(e.env, s.data(), s.size(), &out);
  return out;
}

inline napi_value write(Env&, napi_value v) { return v; }

template <typename T>
napi_value write_list(Env& e, T&& items) {
  napi_value out;
  napi_create_array_with_length(e.env, items.size(), &out);
  uint32_t i = 0;
  for (auto& item : items) napi_set_element(e.env, out, i++, write(e, std::move(item)));
  return out;
}

inline napi_value write(Env& e, std::vector<mx::array>&& arrays) {
  for (const auto& a : arrays) check_size(a);  // before any has a slot that nobody would release
  return write_list(e, arrays);
}

inline napi_value write(Env& e, std::pair<mx::array, mx::array>&& p) {
  return write(e, std::vector<mx::array>{std::move(p.first), std::move(p.second)});
}

}  // namespace abstractllm
