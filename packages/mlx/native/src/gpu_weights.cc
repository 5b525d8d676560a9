#include "gpu_weights.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "memory_guard.h"
#include "mlx/io/load.h"

namespace abstractllm {

namespace {

// nullptr where the format has no such dtype
const char* safetensors_name(mx::Dtype dtype) {
  switch (dtype) {
    case mx::bool_: return "BOOL";
    case mx::uint8: return "U8";
    case mx::uint16: return "U16";
    case mx::uint32: return "U32";
    case mx::uint64: return "U64";
    case mx::int8: return "I8";
    case mx::int16: return "I16";
    case mx::int32: return "I32";
    case mx::int64: return "I64";
    case mx::float16: return "F16";
    case mx::bfloat16: return "BF16";
    case mx::float32: return "F32";
    default: return nullptr;
  }
}

// A safetensors file that is nowhere: a header, and behind it tensors wherever in memory they are. libmlx has an operation
// that reads a file into the GPU's own memory, but shows only its readers of files.
class TensorReader : public mx::io::Reader {
 public:
  explicit TensorReader(std::vector<HostTensor> tensors) : tensors_(std::move(tensors)) {
    std::string header = "{";
    size_t end = 0;
    for (const HostTensor& tensor : tensors_) {
      const size_t begin = end;
      ends_.push_back(end += byte_size(tensor.shape, tensor.dtype));
      if (begin > 0) header += ",";
      header += entry(std::to_string(ends_.size() - 1), tensor, begin, end);
    }
    header += "}";
    const uint64_t length = header.size();
    head_.assign(reinterpret_cast<const char*>(&length), sizeof length);
    head_ += header;
  }

  bool is_open() const override { return true; }
  bool good() const override { return true; }
  size_t tell() override { return at_; }
  std::string label() const override { return "weights"; }

  void seek(int64_t offset, std::ios_base::seekdir way) override {
    const size_t size = head_.size() + (ends_.empty() ? 0 : ends_.back());
    at_ = (way == std::ios_base::end ? size : way == std::ios_base::cur ? at_ : 0) + static_cast<size_t>(offset);
  }

  void read(char* out, size_t size) override {
    if (at_ > head_.size() || size > head_.size() - at_) throw std::out_of_range("weights are read tensor by tensor");
    std::memcpy(out, head_.data() + at_, size);
    at_ += size;
  }

  void read(char* out, size_t size, size_t offset) override {
    const size_t begin = offset - head_.size();
    const size_t i = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), begin) - ends_.begin());
    if (offset < head_.size() || i == ends_.size() || size > ends_[i] - begin) {
      throw std::out_of_range("weights are read tensor by tensor");
    }
    std::memcpy(out, tensors_[i].data + (begin - (i == 0 ? 0 : ends_[i - 1])), size);
  }

 private:
  static std::string entry(const std::string& name, const HostTensor& tensor, size_t begin, size_t end) {
    std::ostringstream out;
    out << '"' << name << "\":{\"dtype\":\"" << safetensors_name(tensor.dtype) << "\",\"shape\":[";
    for (size_t i = 0; i < tensor.shape.size(); i++) out << (i == 0 ? "" : ",") << tensor.shape[i];
    out << "],\"data_offsets\":[" << begin << ',' << end << "]}";
    return out.str();
  }

  std::vector<HostTensor> tensors_;
  std::vector<size_t> ends_;  // of the tensors, counted from the end of the header
  std::string head_;
  size_t at_ = 0;
};

}  // namespace

bool can_read_into_gpu(mx::Dtype dtype) { return safetensors_name(dtype) != nullptr; }

bool computes_on_cuda() { return mx::cu::is_available() && mx::default_device() == mx::Device::gpu; }

std::vector<mx::array> read_into_gpu(std::vector<HostTensor> tensors) {
  const size_t count = tensors.size();
  auto [arrays, metadata] =
      mx::load_safetensors(std::make_shared<TensorReader>(std::move(tensors)), mx::Device(mx::Device::gpu));
  std::vector<mx::array> out;
  for (size_t i = 0; i < count; i++) out.push_back(arrays.at(std::to_string(i)));
  return out;
}

}  // namespace abstractllm
