// Dtypes cross the boundary as small integers; the order is that of src/core/dtype.ts.
#include "convert.h"

namespace abstractllm {

namespace {

struct Entry {
  mx::Dtype dtype;
  const char* name;
};

constexpr Entry kDtypes[] = {
    {mx::bool_, "bool"},       {mx::uint8, "uint8"},       {mx::uint16, "uint16"},   {mx::uint32, "uint32"},
    {mx::uint64, "uint64"},    {mx::int8, "int8"},         {mx::int16, "int16"},     {mx::int32, "int32"},
    {mx::int64, "int64"},      {mx::float16, "float16"},   {mx::float32, "float32"}, {mx::float64, "float64"},
    {mx::bfloat16, "bfloat16"}, {mx::complex64, "complex64"},
};

}  // namespace

mx::Dtype dtype_from_id(int id) {
  if (id < 0 || id >= static_cast<int>(std::size(kDtypes))) {
    throw AddonError("invalid-argument", "unknown dtype " + std::to_string(id));
  }
  return kDtypes[id].dtype;
}

int dtype_id(mx::Dtype d) { return static_cast<int>(d.val()); }

const char* dtype_name(mx::Dtype d) { return kDtypes[dtype_id(d)].name; }

}  // namespace abstractllm
