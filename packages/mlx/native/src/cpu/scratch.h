// Memory of a thread that grows and stays: a decode step asks for it hundreds of times. It begins at a cache line: kernels
// that read it in whole vectors would touch two lines for each otherwise (docs/performance.md).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>

namespace abstractllm::cpu {

constexpr size_t kCacheLine = 64;

class Scratch {
 public:
  // Room for `count`, without what was there before.
  template <typename T>
  T* get(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (bytes > size_) {
      data_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
      size_ = bytes;
    }
    return reinterpret_cast<T*>(data_.get());
  }

 private:
  static constexpr std::align_val_t kAlignment{kCacheLine};
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, kAlignment); }
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

// `n` floats of the calling thread. A second call with the same Tag has the same memory.
template <typename Tag>
float* scratch_floats(size_t n) {
  static thread_local Scratch scratch;
  return scratch.get<float>(n);
}

// The same for several arrays of these sizes, each of which begins at a cache line.
template <typename Tag, size_t count>
std::array<float*, count> scratch_arrays(const size_t (&sizes)[count]) {
  constexpr size_t kLine = kCacheLine / sizeof(float);
  size_t starts[count], total = 0;
  for (size_t i = 0; i < count; i++) {
    starts[i] = total;
    total += (sizes[i] + kLine - 1) / kLine * kLine;
  }
  float* all = scratch_floats<Tag>(total);
  std::array<float*, count> arrays;
  for (size_t i = 0; i < count; i++) arrays[i] = all + starts[i];
  return arrays;
}

}  // namespace abstractllm::cpu
