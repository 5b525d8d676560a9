// Making arrays, reading them back, evaluating and releasing them.
#include <cmath>
#include <cstring>
#include <limits>

#include "bind.h"
#include "cpu/lend_core.h"
#include "cpu/thread_pool.h"
#include "eval_in_pieces.h"

namespace abstractllm {

namespace {

struct Bytes {
  void* data;
  size_t size;
};

Bytes view_bytes(Env& e, napi_value v) {
  bool is_typed = false;
  napi_is_typedarray(e.env, v, &is_typed);
  if (!is_typed) throw AddonError("invalid-argument", "expected a typed array");
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  check(napi_get_typedarray_info(e.env, v, &type, &length, &data, nullptr, nullptr), "unknown typed array");
  static constexpr size_t kSizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  if (static_cast<size_t>(type) >= std::size(kSizes)) throw AddonError("invalid-argument", "unknown typed array");
  return {data, length * kSizes[type]};
}

mx::array from_bytes(napi_value view, const mx::Shape& shape, mx::Dtype dtype, Env& e) {
  Bytes bytes = view_bytes(e, view);
  size_t expected = byte_size(shape, dtype);
  if (bytes.size != expected) {
    throw AddonError("invalid-argument", "the shape needs " + std::to_string(expected) + " bytes but the data has " +
                                             std::to_string(bytes.size));
  }
  auto data = mx::allocator::malloc(expected);
  auto buffer = data.buffer();
  if (expected) std::memcpy(buffer.raw_ptr(), bytes.data, expected);
  return mx::array(std::move(data), shape, dtype);
}

int64_t to_int64(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 9223372036854775808.0) return std::numeric_limits<int64_t>::max();
  return value <= -9223372036854775808.0 ? std::numeric_limits<int64_t>::min() : static_cast<int64_t>(value);
}

// Waits until `a` is computed. Meanwhile the kernels may have all cores.
void wait_for(mx::array& a) {
  if (!a.is_available()) cpu::take_core_back();
  a.eval();
}

// `a` computed, in row-major order. Another operation would wait for all that was started after `a`.
mx::array readable(const mx::array& a) {
  mx::array c = a;
  wait_for(c);
  if (c.flags().row_contiguous) return c;
  // no GPU has float64
  c = c.dtype() == mx::float64 ? mx::contiguous(c, false, mx::Device::cpu) : mx::contiguous(c);
  wait_for(c);
  return c;
}

napi_value copy_out(const mx::array& a, Env& e) {
  mx::array c = readable(a);
  check_free_memory(c.nbytes());  // V8 ends the process when it cannot allocate
  void* out = nullptr;
  napi_value buffer;
  check(napi_create_arraybuffer(e.env, c.nbytes(), &out, &buffer), "could not allocate an ArrayBuffer");
  if (c.nbytes()) std::memcpy(out, c.data<char>(), c.nbytes());
  return buffer;
}

napi_value to_bytes(const mx::array& a, Env& e) {
  bool is_half = a.dtype() == mx::float16 || a.dtype() == mx::bfloat16;
  return copy_out(is_half ? mx::astype(a, mx::float32) : a, e);
}

constexpr double kMaxReportedBytes = 1125899906842624.0;  // 2^50: V8 ends the process over nonsense

double adjust_external_memory(double bytes, Env& e) {
  if (!(std::abs(bytes) <= kMaxReportedBytes) || !(std::abs(e.external_bytes + bytes) <= kMaxReportedBytes)) {
    throw AddonError("invalid-argument", "expected at most 2^50 bytes in use but received " + text_of(bytes));
  }
  int64_t change = static_cast<int64_t>(bytes);
  int64_t total = 0;
  napi_adjust_external_memory(e.env, change, &total);
  e.external_bytes += change;
  return static_cast<double>(total);
}

double item(const mx::array& a) {
  if (a.size() != 1) throw AddonError("invalid-argument", "item needs an array of exactly one element");
  mx::array c = a;
  wait_for(c);
  switch (c.dtype()) {
    case mx::bool_: return c.item<uint8_t>() != 0;  // views and bytes of others may hold any
    case mx::uint8: return c.item<uint8_t>();
    case mx::uint16: return c.item<uint16_t>();
    case mx::uint32: return c.item<uint32_t>();
    case mx::uint64: return static_cast<double>(c.item<uint64_t>());
    case mx::int8: return c.item<int8_t>();
    case mx::int16: return c.item<int16_t>();
    case mx::int32: return c.item<int32_t>();
    case mx::int64: return static_cast<double>(c.item<int64_t>());
    case mx::float16: return static_cast<float>(c.item<mx::float16_t>());
    case mx::bfloat16: return static_cast<float>(c.item<mx::bfloat16_t>());
    case mx::float32: return c.item<float>();
    case mx::float64: return c.item<double>();
    case mx::complex64: throw AddonError("invalid-argument", "item does not take complex arrays; use toTypedArray");
  }
  throw AddonError("invalid-argument", "unknown dtype");
}

}  // namespace

void register_array(Env* e, napi_value x) {
  bind(e, x, "fromBytes", [](napi_value view, const mx::Shape& shape, mx::Dtype dtype, Env& env) {
    return from_bytes(view, shape, dtype, env);
  });
  bind(e, x, "scalar", [](double value, mx::Dtype dtype) {
    if (mx::issubdtype(dtype, mx::integer)) return mx::array(to_int64(value), dtype);
    return mx::array(value, dtype);
  });
  bind(e, x, "toBytes", [](const mx::array& a, Env& env) { return to_bytes(a, env); });
  // the stored bits, for half types that JavaScript has no numbers for
  bind(e, x, "toRawBytes", [](const mx::array& a, Env& env) { return copy_out(a, env); });
  bind(e, x, "item", [](const mx::array& a) { return item(a); });
  bind(e, x, "shape", [](const mx::array& a, Env& env) {
    return write_list(env, std::vector<int>(a.shape().begin(), a.shape().end()));
  });
  bind(e, x, "dtype", [](const mx::array& a) { return dtype_id(a.dtype()); });
  bind(e, x, "ndim", [](const mx::array& a) { return a.ndim(); });
  bind(e, x, "dim", [](const mx::array& a, int axis) {
    int n = static_cast<int>(a.ndim());
    if (axis < -n || axis >= n) throw AddonError("invalid-argument", "axis " + std::to_string(axis) + " is out of range");
    return a.shape(axis);
  });
  bind(e, x, "size", [](const mx::array& a) { return a.size(); });
  bind(e, x, "nbytes", [](const mx::array& a) { return a.nbytes(); });
  bind(e, x, "isAvailable", [](const mx::array& a) { return a.is_available(); });
  bind(e, x, "eval", [](std::vector<mx::array> arrays) {
    cpu::take_core_back();
    eval_in_pieces(std::move(arrays));
  });
  bind(e, x, "asyncEval", [](std::vector<mx::array> arrays) { mx::async_eval(std::move(arrays)); });
  bind(e, x, "asyncEvalNext", [](const mx::array& a) { cpu::async_eval_and_lend_core(a); });
  // A second slot for the same array, so that two JavaScript owners can dispose independently.
  bind(e, x, "share", [](const mx::array& a) { return mx::array(a); });
  bind(e, x, "detach", [](const mx::array& a) { const_cast<mx::array&>(a).detach(); });
  bind(e, x, "release", [](int slot, Env& env) { env.arrays.release(static_cast<uint32_t>(slot)); });
  bind(e, x, "releaseAll", [](const std::vector<int>& slots, Env& env) {
    for (int slot : slots) env.arrays.release(static_cast<uint32_t>(slot));
  });
  bind(e, x, "liveArrays", [](Env& env) { return env.arrays.live(); });
  // V8 cannot see native memory: telling it lets the collector run before the machine is full.
  bind(e, x, "adjustExternalMemory", [](double bytes, Env& env) { return adjust_external_memory(bytes, env); });
}

}  // namespace abstractllm
