// Tensors from weight files. Paths, offsets, sizes, dtypes and shapes come proven from TypeScript; the bounds are
// checked once more against the file as it is now.
#include <cstring>
#include <map>

#include "bind.h"
#include "mapped_file.h"

namespace abstractllm {

namespace {

const char* bytes_at(const MappedFile& file, const std::string& path, uint64_t offset, uint64_t size) {
  if (offset > file.size() || size > file.size() - offset) {
    throw AddonError("weights", path + " is shorter than its header says: it changed while loading");
  }
  return file.data() + offset;
}

uint64_t byte_size(const mx::Shape& shape, mx::Dtype dtype) {
  uint64_t n = dtype.size();
  for (int d : shape) {
    if (d < 0 || __builtin_mul_overflow(n, static_cast<uint64_t>(d), &n)) {
      throw AddonError("weights", "a tensor's shape overflows");
    }
  }
  return n;
}

// Zero-copy where the backend takes foreign memory and the data is aligned; libmlx copies otherwise.
mx::array map_tensor(std::shared_ptr<MappedFile> file, const char* data, const mx::Shape& shape, mx::Dtype dtype) {
  uint64_t size = byte_size(shape, dtype);
  if (reinterpret_cast<uintptr_t>(data) % dtype.size() == 0) {
    return mx::array(const_cast<char*>(data), shape, dtype, [file](void*) {});
  }
  auto copy = mx::allocator::malloc(size);
  auto buffer = copy.buffer();
  if (size) std::memcpy(buffer.raw_ptr(), data, size);
  return mx::array(std::move(copy), shape, dtype);
}

// Tensors [i] of one file: offsets[i], dtypes[i] and the shapes flattened one after another, by ranks[i].
std::vector<mx::array> map_tensors(const std::string& path, const std::vector<double>& offsets,
                                   const std::vector<int>& dtypes, const std::vector<int>& ranks,
                                   const std::vector<int>& dims) {
  auto file = MappedFile::open(path);
  std::vector<mx::array> out;
  out.reserve(offsets.size());
  size_t at = 0;
  for (size_t i = 0; i < offsets.size(); i++) {
    if (i >= dtypes.size() || i >= ranks.size() || ranks[i] < 0 || at + ranks[i] > dims.size()) {
      throw AddonError("invalid-argument", "mapTensors: the lists do not belong together");
    }
    mx::Shape shape(dims.begin() + at, dims.begin() + at + ranks[i]);
    at += ranks[i];
    mx::Dtype dtype = dtype_from_id(dtypes[i]);
    uint64_t size = byte_size(shape, dtype);
    out.push_back(map_tensor(file, bytes_at(*file, path, static_cast<uint64_t>(offsets[i]), size), shape, dtype));
  }
  return out;
}

}  // namespace

template <>
struct Reader<std::vector<double>> {
  static std::vector<double> read(Env& e, napi_value v) {
    uint32_t n = 0;
    check(napi_get_array_length(e.env, v, &n), "expected an array of numbers");
    std::vector<double> out(n);
    for (uint32_t i = 0; i < n; i++) {
      napi_value x;
      napi_get_element(e.env, v, i, &x);
      out[i] = Reader<double>::read(e, x);
    }
    return out;
  }
};

void register_weights(Env* e, napi_value x) {
  bind(e, x, "mapTensors",
       [](const std::string& path, const std::vector<double>& offsets, const std::vector<int>& dtypes,
          const std::vector<int>& ranks, const std::vector<int>& dims) {
         return map_tensors(path, offsets, dtypes, ranks, dims);
       });
}

}  // namespace abstractllm
