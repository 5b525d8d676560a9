// A file mapped into memory, read-only in effect; unmapped when the last array over it goes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace abstractllm {

class MappedFile {
 public:
  // Throws AddonError("weights") when the file cannot be opened or mapped.
  static std::shared_ptr<MappedFile> open(const std::string& path);
  // Takes the pages of `[data, data + size)` out of memory: they can be read again, but need not stay beside a copy.
  void forget(const char* data, size_t size) const;
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  MappedFile() = default;
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace abstractllm
