#include "weight_memory.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>

#include "mlx/allocator.h"
#include "mlx/memory.h"
#endif

namespace abstractllm {

#ifdef __linux__

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLine = 64;  // kernels load whole cache lines

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Address space whose pages come as they are written; given back with the last array in it.
class Region {
 public:
  static std::shared_ptr<Region> reserve(size_t bytes) {
    const size_t size = round_up(bytes, kHugePage) + kHugePage;
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    madvise(p, size, MADV_HUGEPAGE);  // refused by kernels without: then these are pages like any other
    return std::shared_ptr<Region>(new Region(static_cast<char*>(p), size));
  }
  ~Region() { munmap(start_, size_); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Bytes that an array takes: whole lines, and one in front for its header.
  static size_t room_for(size_t bytes) { return round_up(bytes, kLine) + kLine; }
  char* take(size_t bytes) { return std::exchange(next_, next_ + room_for(bytes)) + kLine; }

 private:
  Region(char* start, size_t size) : start_(start), size_(size) {
    next_ = start + (round_up(reinterpret_cast<uintptr_t>(start), kHugePage) - reinterpret_cast<uintptr_t>(start));
  }

  char* start_;
  size_t size_;
  char* next_;
};

bool can_move(const mx::array& a) { return a.is_available() && a.flags().row_contiguous && a.size() > 0; }

// libmlx's CPU allocator keeps a block's size in front of it, and a Buffer points there.
constexpr size_t kHeader = sizeof(size_t);

// Whether the allocator in use is that one; others have buffers that we cannot make.
bool has_headers() {
  mx::allocator::Data block = mx::allocator::malloc(kLine);
  mx::allocator::Buffer buffer = block.buffer();
  return static_cast<char*>(buffer.raw_ptr()) == static_cast<char*>(buffer.ptr()) + kHeader;
}

// A copy of `a` in `region`.
mx::array copy_into(const std::shared_ptr<Region>& region, const mx::array& a) {
  char* block = region->take(a.nbytes());
  const size_t size = a.nbytes();
  std::memcpy(block - kHeader, &size, kHeader);
  std::memcpy(block, a.data<char>(), size);
  mx::array copy(a.shape(), a.dtype(), nullptr, {});
  copy.set_data(mx::allocator::Data(mx::allocator::Buffer(block - kHeader), [region](mx::allocator::Buffer) {}));
  copy.set_status(mx::array::Status::available);
  return copy;
}

// Bytes after which freed memory goes back to the system, so that weights are never held twice.
constexpr size_t kTrimAfter = size_t{64} << 20;

}  // namespace

void move_to_huge_pages(const std::vector<mx::array*>& arrays) {
  size_t total = 0;
  for (const mx::array* a : arrays) total += can_move(*a) ? Region::room_for(a->nbytes()) : 0;
  if (total < kHugePage || !has_headers()) return;
  const std::shared_ptr<Region> region = Region::reserve(total);
  if (!region) return;
  mx::clear_cache();
  size_t freed = 0;
  for (mx::array* a : arrays) {
    if (!can_move(*a)) continue;
    *a = copy_into(region, *a);
    freed += a->nbytes();
    if (freed < kTrimAfter && a != arrays.back()) continue;
    mx::clear_cache();
    malloc_trim(0);
    freed = 0;
  }
}

#else

void move_to_huge_pages(const std::vector<mx::array*>&) {}

#endif

}  // namespace abstractllm
