#include "memory_guard.h"

#include <string>

#include "huge_pages.h"
#include "mlx/allocator.h"
#include "mlx/memory.h"

#ifdef __linux__
#include <dlfcn.h>

#include <typeinfo>
#endif

namespace abstractllm {

namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 62;  // offsets inside libmlx are signed

std::string mebibytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string describe(const mx::Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); i++) out += (i ? "," : "") + std::to_string(shape[i]);
  return out + "]";
}

[[noreturn]] void fail_allocation(uint64_t bytes, const std::string& reason) {
  throw AddonError("out-of-memory", "cannot allocate " + mebibytes(bytes) + ": arrays use " +
                                        mebibytes(mx::get_active_memory() + huge_page_bytes()) + " and " + reason +
                                        ". Use a smaller or quantized model or a shorter context.");
}

}  // namespace

uint64_t byte_size(const mx::Shape& shape, mx::Dtype dtype) {
  uint64_t n = dtype.size();
  bool is_empty = false;
  bool overflows = false;
  for (int d : shape) {
    if (d < 0) throw AddonError("invalid-argument", "the shape " + describe(shape) + " has a negative dimension");
    is_empty |= d == 0;
    overflows |= __builtin_mul_overflow(n, static_cast<uint64_t>(d), &n) || n > kMaxBytes;
  }
  if (is_empty) return 0;
  if (overflows) {
    throw AddonError("invalid-argument", "an array of shape " + describe(shape) + " has more bytes than can be addressed");
  }
  return n;
}

void check_size(const mx::array& a) { byte_size(a.shape(), a.dtype()); }

void check_free_memory(uint64_t bytes) {
  uint64_t limit = mx::get_memory_limit();
  uint64_t active = mx::get_active_memory() + huge_page_bytes();
  if (active > limit || bytes > limit - active) {
    fail_allocation(bytes, "the limit is " + mebibytes(limit) + " (mx.setMemoryLimit)");
  }
  if (mx::get_cache_memory() > limit - active - bytes) mx::clear_cache();
}

#ifdef __linux__
namespace {

using AllocatorOf = mx::allocator::Allocator& (*)();

// libmlx's CPU allocator, except that it says so when memory runs out. libmlx itself knows its memory limit but
// does not keep to it on the CPU, and writes through the null pointer of a failed allocation.
class CheckedAllocator : public mx::allocator::Allocator {
 public:
  explicit CheckedAllocator(Allocator& inner) : inner_(inner) {}

  mx::allocator::Buffer malloc(size_t size) override {
    check_free_memory(size);
    auto buffer = inner_.malloc(size);
    if (!buffer.ptr()) {
      mx::clear_cache();
      buffer = inner_.malloc(size);
    }
    if (!buffer.ptr()) fail_allocation(size, "the system has no more");
    return buffer;
  }
  void free(mx::allocator::Buffer buffer) override { inner_.free(buffer); }
  size_t size(mx::allocator::Buffer buffer) const override { return inner_.size(buffer); }
  mx::allocator::Buffer make_buffer(void* ptr, size_t size) override { return inner_.make_buffer(ptr, size); }
  void release(mx::allocator::Buffer buffer) override { inner_.release(buffer); }

 private:
  Allocator& inner_;
};

// The allocator that libmlx would use without this file.
mx::allocator::Allocator& original_allocator() {
  Dl_info library, self;
  // neither is unloaded any more: libmlx, which is never unloaded, calls into this file
  if (!dladdr(reinterpret_cast<void*>(&mx::get_memory_limit), &library) || !dlopen(library.dli_fname, RTLD_LAZY) ||
      !dladdr(reinterpret_cast<void*>(&original_allocator), &self) ||
      !dlopen(self.dli_fname, RTLD_LAZY | RTLD_NODELETE)) {
    throw AddonError("unavailable", "libmlx cannot be found again after loading");
  }
  void* handle = dlopen(library.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  auto original = reinterpret_cast<AllocatorOf>(dlsym(handle, "_ZN3mlx4core9allocator9allocatorEv"));
  if (!original) throw AddonError("unavailable", "this libmlx has no allocator");
  return original();
}

mx::allocator::Allocator& guarded_allocator() {
  auto& original = original_allocator();
  // GPU allocators check on their own
  if (std::string(typeid(original).name()).find("CommonAllocator") == std::string::npos) return original;
  static auto& checked = *new CheckedAllocator(original);  // never destroyed: arrays may outlive static destructors
  return checked;
}

}  // namespace
#endif

}  // namespace abstractllm

#ifdef __linux__
namespace mlx::core::allocator {

// Stands before libmlx's own: the dynamic linker looks in the addon first, then in the libraries it needs.
MLX_API Allocator& allocator() {
  static Allocator& chosen = abstractllm::guarded_allocator();
  return chosen;
}

}  // namespace mlx::core::allocator
#endif
