// Per-environment state: every Node environment (main thread, each worker) has its own arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <node_api.h>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm {

// A message for the caller that is not libmlx's: `code` is an MlxErrorCode.
struct AddonError : std::runtime_error {
  AddonError(const char* code, const std::string& message) : std::runtime_error(message), code(code) {}
  const char* code;
};

// Arrays live in slots; JavaScript holds the slot number. Wrapping each array in a native JS object costs a
// microsecond and a garbage-collector callback, a slot costs nothing of either.
class ArrayTable {
 public:
  ArrayTable() : slots_(1) {}  // slot 0 means "no array"

  uint32_t add(mx::array&& a) {
    if (free_.empty()) {
      slots_.emplace_back(std::move(a));
      return static_cast<uint32_t>(slots_.size() - 1);
    }
    uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot].emplace(std::move(a));
    return slot;
  }

  mx::array& get(uint32_t slot) {
    if (slot >= slots_.size() || !slots_[slot]) {
      throw AddonError("disposed", "The array was already disposed");
    }
    return *slots_[slot];
  }

  void release(uint32_t slot) {
    if (slot == 0 || slot >= slots_.size() || !slots_[slot]) return;
    slots_[slot].reset();
    free_.push_back(slot);
  }

  void replace(uint32_t slot, const mx::array& a) { slots_[slot].emplace(a); }

  size_t live() const { return slots_.size() - 1 - free_.size(); }

  void clear() {
    slots_.clear();
    free_.clear();
    slots_.resize(1);
  }

 private:
  std::vector<std::optional<mx::array>> slots_;
  std::vector<uint32_t> free_;
};

constexpr size_t kMaxScalars = 8;

struct Env {
  napi_env env = nullptr;
  ArrayTable arrays;
  // Numbers given where an array may stand: TypeScript writes value k here and passes the slot -(k + 1).
  double* scalars = nullptr;
  napi_ref scalars_ref = nullptr;
  // Makes the JavaScript error: (code, op, message, shapes) => Error
  napi_ref error_factory = nullptr;
  // What V8 was told that arrays hold.
  int64_t external_bytes = 0;
};

// What a bound function gets as its callback data.
struct Binding {
  const char* name;
  Env* env;
};

}  // namespace abstractllm
