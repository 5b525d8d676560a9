// Tensors from weight files. Paths, offsets, sizes, dtypes and shapes come proven from TypeScript; the bounds are
// checked once more against the file as it is now.
#include <cstring>
#include <map>

#include "bind.h"
#include "cpu/thread_pool.h"
#include "gguf/gguf_blocks.h"
#include "gpu_weights.h"
#include "mapped_file.h"
#include "weight_memory.h"

namespace abstractllm {

namespace {

const char* bytes_at(const MappedFile& file, const std::string& path, uint64_t offset, uint64_t size) {
  if (offset > file.size() || size > file.size() - offset) {
    throw AddonError("weights", path + " is shorter than its header says: it changed while loading");
  }
  return file.data() + offset;
}

// Zero-copy where the backend takes foreign memory and the data is aligned; libmlx copies otherwise.
mx::array map_tensor(std::shared_ptr<MappedFile> file, const char* data, const mx::Shape& shape, mx::Dtype dtype) {
  uint64_t size = byte_size(shape, dtype);
  if (reinterpret_cast<uintptr_t>(data) % dtype.size() == 0) {
    mx::array tensor(const_cast<char*>(data), shape, dtype, [file](void*) {});
    if (tensor.data<char>() != data) file->forget(data, size);
    return tensor;
  }
  auto copy = mx::allocator::malloc(size);
  auto buffer = copy.buffer();
  if (size) std::memcpy(buffer.raw_ptr(), data, size);
  return mx::array(std::move(copy), shape, dtype);
}

// Tensors of one call, each where this thread computes. Those for an NVIDIA GPU are read into it together, at the end.
class LoadedTensors {
 public:
  // The next tensor, which lies in a file.
  void map(std::shared_ptr<MappedFile> file, const char* data, mx::Shape shape, mx::Dtype dtype) {
    if (belongs_on_gpu(shape, dtype)) {
      add_for_gpu({data, std::move(shape), dtype, std::move(file)});
    } else {
      arrays_.push_back(map_tensor(std::move(file), data, shape, dtype));
    }
  }
  // The memory of the next tensor, to be filled before `take`.
  template <typename T>
  T* add(mx::Shape shape, mx::Dtype dtype) {
    const size_t bytes = byte_size(shape, dtype);
    if (belongs_on_gpu(shape, dtype)) {
      check_free_memory(bytes);
      std::shared_ptr<char[]> memory(new char[bytes]);
      char* data = memory.get();
      add_for_gpu({data, std::move(shape), dtype, std::move(memory)});
      return reinterpret_cast<T*>(data);
    }
    auto data = mx::allocator::malloc(bytes);
    auto buffer = data.buffer();
    arrays_.emplace_back(std::move(data), std::move(shape), dtype);
    return static_cast<T*>(buffer.raw_ptr());
  }
  std::vector<mx::array> take() {
    if (for_gpu_.empty()) return std::move(arrays_);
    std::vector<mx::array> read = read_into_gpu(std::move(for_gpu_));
    for (size_t i = 0; i < read.size(); i++) arrays_[gpu_places_[i]] = read[i];
    return std::move(arrays_);
  }

 private:
  bool belongs_on_gpu(const mx::Shape& shape, mx::Dtype dtype) const {
    return on_cuda_ && byte_size(shape, dtype) > 0 && can_read_into_gpu(dtype);
  }
  void add_for_gpu(HostTensor tensor) {
    for_gpu_.push_back(std::move(tensor));
    gpu_places_.push_back(arrays_.size());
    arrays_.push_back(mx::array(0));  // until `take`
  }

  const bool on_cuda_ = computes_on_cuda();
  std::vector<mx::array> arrays_;
  std::vector<HostTensor> for_gpu_;
  std::vector<size_t> gpu_places_;  // in `arrays_`
};

// Tensors [i] of one file: offsets[i], dtypes[i] and the shapes flattened one after another, by ranks[i].
std::vector<mx::array> map_tensors(const std::string& path, const std::vector<uint64_t>& offsets,
                                   const std::vector<int>& dtypes, const std::vector<int>& ranks,
                                   const std::vector<int>& dims) {
  auto file = MappedFile::open(path);
  LoadedTensors tensors;
  size_t at = 0;
  for (size_t i = 0; i < offsets.size(); i++) {
    if (i >= dtypes.size() || i >= ranks.size() || ranks[i] < 0 || at + ranks[i] > dims.size()) {
      throw AddonError("invalid-argument", "mapTensors: the lists do not belong together");
    }
    mx::Shape shape(dims.begin() + at, dims.begin() + at + ranks[i]);
    at += ranks[i];
    mx::Dtype dtype = dtype_from_id(dtypes[i]);
    const char* data = bytes_at(*file, path, offsets[i], byte_size(shape, dtype));
    tensors.map(file, data, std::move(shape), dtype);
  }
  return tensors.take();
}

// A GGUF tensor's blocks, checked against the file as it is now.
struct Blocks {
  std::shared_ptr<MappedFile> file;
  const uint8_t* data;
  size_t count;
  const gguf::BlockType* type;
};

Blocks gguf_blocks(const std::string& path, uint64_t offset, int type_id, uint64_t elements) {
  const auto* type = gguf::find_block_type(static_cast<uint32_t>(type_id));
  if (!type || elements % type->block_size != 0) {
    throw AddonError("weights", path + ": tensor type " + std::to_string(type_id) + " cannot be unpacked");
  }
  auto file = MappedFile::open(path);
  size_t count = elements / type->block_size;
  uint64_t size;
  if (__builtin_mul_overflow(count, static_cast<uint64_t>(type->block_bytes), &size)) {
    throw AddonError("weights", path + ": the shape of a tensor overflows");
  }
  const char* data = bytes_at(*file, path, offset, size);
  return {std::move(file), reinterpret_cast<const uint8_t*>(data), count, type};
}

// Blocks that one thread turns around in some 20 us.
constexpr size_t kBlocksPerRange = 1024;

// [words, scales, biases] of a matrix [rows, columns] in MLX's affine layout, groups of 32.
std::vector<mx::array> gguf_affine(const std::string& path, uint64_t offset, int type_id, int rows, int columns) {
  auto blocks = gguf_blocks(path, offset, type_id, byte_size({rows, columns}, mx::uint8));
  if (!blocks.type->to_affine || columns % 32 != 0) {
    throw AddonError("weights", path + ": tensor type " + blocks.type->name + " has no affine form");
  }
  const int words = columns / 32 * static_cast<int>(blocks.type->affine_bits);
  const int groups = columns / 32;
  LoadedTensors tensors;
  auto* w = tensors.add<uint32_t>({rows, words}, mx::uint32);
  auto* scales = tensors.add<uint16_t>({rows, groups}, mx::float16);
  auto* biases = tensors.add<uint16_t>({rows, groups}, mx::float16);
  const size_t block_words = blocks.type->affine_bits;  // of 32 numbers
  cpu::parallel_for(blocks.count, kBlocksPerRange, [&](size_t begin, size_t end) {
    blocks.type->to_affine(blocks.data + begin * blocks.type->block_bytes, end - begin, w + begin * block_words,
                           scales + begin, biases + begin);
  });
  return tensors.take();
}

mx::array gguf_dequantize(const std::string& path, uint64_t offset, int type_id, const mx::Shape& shape) {
  auto blocks = gguf_blocks(path, offset, type_id, byte_size(shape, mx::uint8));
  LoadedTensors tensors;
  blocks.type->dequantize(blocks.data, blocks.count, tensors.add<float>(shape, mx::float32));
  return tensors.take().front();
}

}  // namespace

template <>
struct Reader<std::vector<uint64_t>> {
  static std::vector<uint64_t> read(Env& e, napi_value v) {
    return read_list<std::vector<uint64_t>, uint64_t>(e, v, "expected a list of offsets");
  }
};

namespace {

std::vector<AffineWeights> affine_weights(const std::vector<mx::array*>& arrays, const std::vector<int>& indices,
                                          const std::vector<int>& bits, const std::vector<int>& groups) {
  if (indices.size() != 3 * bits.size() || groups.size() != bits.size()) {
    throw AddonError("invalid-argument", "expected three arrays, bits and a group size for each matrix");
  }
  auto at = [&](size_t i) {
    const int index = indices[i];
    if (index < 0 || static_cast<size_t>(index) >= arrays.size()) {
      throw AddonError("invalid-argument", "there is no array " + std::to_string(index));
    }
    return arrays[static_cast<size_t>(index)];
  };
  std::vector<AffineWeights> matrices;
  for (size_t i = 0; i < bits.size(); i++) {
    matrices.push_back({at(3 * i), at(3 * i + 1), at(3 * i + 2), bits[i], groups[i]});
  }
  return matrices;
}

}  // namespace

void register_weights(Env* e, napi_value x) {
  bind(e, x, "mapTensors",
       [](const std::string& path, const std::vector<uint64_t>& offsets, const std::vector<int>& dtypes,
          const std::vector<int>& ranks, const std::vector<int>& dims) {
         return map_tensors(path, offsets, dtypes, ranks, dims);
       });
  bind(e, x, "ggufAffine", [](const std::string& path, uint64_t offset, int type, int rows, int columns) {
    return gguf_affine(path, offset, type, rows, columns);
  });
  bind(e, x, "ggufDequantize", [](const std::string& path, uint64_t offset, int type, const mx::Shape& shape) {
    return gguf_dequantize(path, offset, type, shape);
  });
  // `matrices` are numbers of arrays, three of each: weights, scales, biases
  bind(e, x, "moveToHugePages", [](const std::vector<int>& slots, const std::vector<int>& matrices,
                                   const std::vector<int>& bits, const std::vector<int>& groups, Env& env) {
    std::vector<mx::array*> arrays;
    for (int slot : slots) arrays.push_back(&env.arrays.get(static_cast<uint32_t>(slot)));
    move_to_huge_pages(affine_weights(arrays, matrices, bits, groups), arrays);
  });
}

}  // namespace abstractllm
