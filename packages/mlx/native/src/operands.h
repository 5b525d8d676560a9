// Weak typing of numbers beside arrays, as MLX's Python binding does it: `x + 1` keeps the dtype of x.
#pragma once

#include "convert.h"

namespace abstractllm {

inline bool is_float(mx::Dtype d) { return mx::issubdtype(d, mx::inexact); }

// The array that a number becomes beside an array of dtype `like`.
inline mx::array weak_scalar(const Operand& o, std::optional<mx::Dtype> like) {
  if (o.is_bool) return mx::array(o.number != 0);
  bool whole = o.number == std::trunc(o.number) && std::abs(o.number) < 9.0e15;
  if (!like) return mx::array(static_cast<float>(o.number));
  if (is_float(*like)) return mx::array(static_cast<float>(o.number), *like);
  if (!whole) return mx::array(static_cast<float>(o.number));
  if (*like == mx::bool_) return mx::array(static_cast<int32_t>(o.number));
  return mx::array(static_cast<int64_t>(o.number), *like);
}

inline std::optional<mx::Dtype> dtype_of(const Operand& o) {
  return o.array ? std::optional(o.array->dtype()) : std::nullopt;
}

inline mx::array resolve(const Operand& o, std::optional<mx::Dtype> like) {
  return o.array ? *o.array : weak_scalar(o, like);
}

inline mx::array left(const Operand& a, const Operand& b) { return resolve(a, dtype_of(b)); }
inline mx::array right(const Operand& a, const Operand& b) { return resolve(b, dtype_of(a)); }

inline std::optional<mx::array> resolve_optional(const std::optional<Operand>& o, mx::Dtype like) {
  return o ? std::optional(resolve(*o, like)) : std::nullopt;
}

}  // namespace abstractllm
