#include "weight_memory.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>

#include "cpu/packed_weights.h"
#include "mlx/allocator.h"
#include "mlx/memory.h"
#endif

namespace abstractllm {

namespace {
std::atomic<size_t> held{0};
}

size_t huge_page_bytes() { return held.load(); }

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

// An array in `region`, whose contents the caller brings.
mx::array array_in(const std::shared_ptr<Region>& region, const mx::Shape& shape, mx::Dtype dtype) {
  mx::array a(shape, dtype, nullptr, {});
  const size_t size = a.nbytes();
  char* block = region->take(size);
  std::memcpy(block - kHeader, &size, kHeader);
  held += size;
  a.set_data(mx::allocator::Data(mx::allocator::Buffer(block - kHeader),
                                 [region, size](mx::allocator::Buffer) { held -= size; }));
  a.set_status(mx::array::Status::available);
  return a;
}

mx::array copy_into(const std::shared_ptr<Region>& region, const mx::array& a) {
  mx::array copy = array_in(region, a.shape(), a.dtype());
  std::memcpy(copy.data<char>(), a.data<char>(), a.nbytes());
  return copy;
}

size_t byte_count(const AffineWeights& m) { return m.w->nbytes() + m.scales->nbytes() + m.biases->nbytes(); }

bool can_pack(const AffineWeights& m) {
  return can_move(*m.w) && can_move(*m.scales) && can_move(*m.biases) &&
         byte_count(m) <= std::numeric_limits<int>::max() &&
         cpu::should_pack(*m.w, *m.scales, *m.biases, m.bits, m.group);
}

void pack(const std::shared_ptr<Region>& region, const AffineWeights& m) {
  mx::array packed = array_in(region, {static_cast<int>(byte_count(m))}, mx::uint8);
  cpu::pack_into(*m.w, *m.scales, *m.biases, m.bits, m.group, packed.data<char>());
  const std::vector<mx::array> made = cpu::packed_arrays(packed, *m.w, *m.scales, m.bits, m.group);
  *m.w = made[0];
  *m.scales = made[1];
  *m.biases = made[2];
}

// Gives memory back in turns: each costs a walk through what the allocator holds.
class Trimmer {
 public:
  void freed(size_t bytes) {
    freed_ += bytes;
    if (freed_ >= kTrimAfter) trim();
  }
  void trim() {
    mx::clear_cache();
    malloc_trim(0);
    freed_ = 0;
  }

 private:
  // weights are never held twice
  static constexpr size_t kTrimAfter = size_t{64} << 20;
  size_t freed_ = 0;
};

}  // namespace

void move_to_huge_pages(const std::vector<AffineWeights>& matrices, const std::vector<mx::array*>& arrays) {
  size_t total = 0;
  for (const mx::array* a : arrays) total += can_move(*a) ? Region::room_for(a->nbytes()) : 0;
  if (total < kHugePage || !has_headers()) return;
  const std::shared_ptr<Region> region = Region::reserve(total);
  if (!region) return;
  Trimmer memory;
  memory.trim();
  for (const AffineWeights& m : matrices) {
    if (!can_pack(m)) continue;
    pack(region, m);
    memory.freed(byte_count(m));
  }
  for (mx::array* a : arrays) {
    if (!can_move(*a)) continue;
    *a = copy_into(region, *a);
    memory.freed(a->nbytes());
  }
  memory.trim();
}

#else

void move_to_huge_pages(const std::vector<AffineWeights>&, const std::vector<mx::array*>&) {}

#endif

}  // namespace abstractllm
