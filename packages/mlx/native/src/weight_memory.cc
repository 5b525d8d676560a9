#include "weight_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/packed_weights.h"
#include "huge_pages.h"
#include "mlx/allocator.h"
#include "mlx/memory.h"
#endif

namespace abstractllm {

#ifdef __linux__

namespace {

bool can_move(const mx::array& a) { return a.is_available() && a.flags().row_contiguous && a.size() > 0; }

// An array in `region`, whose contents the caller brings.
mx::array array_in(const std::shared_ptr<HugeRegion>& region, const mx::Shape& shape, mx::Dtype dtype) {
  mx::array a(shape, dtype, nullptr, {});
  a.set_data(region->take(a.nbytes()));
  a.set_status(mx::array::Status::available);
  return a;
}

// Copied between giving back pages: a large array is not in memory twice while it moves.
constexpr size_t kSlice = size_t{8} << 20;

// Memory of an array that is about to be let go: pages go back to the system as soon as their contents are copied. Stays
// as it is where others may read it.
class LeftMemory {
 public:
  explicit LeftMemory(const mx::array& a) : start_(a.data<char>()), next_(page_end(start_)), is_ours_(a.is_donatable()) {}

  // The first `bytes` are copied.
  void left(size_t bytes) {
    char* end = page_end(start_ + bytes) - page();
    if (!is_ours_ || end <= next_) return;
    madvise(next_, static_cast<size_t>(end - next_), MADV_DONTNEED);
    next_ = end;
  }

 private:
  static size_t page() {
    static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return size;
  }
  // The first page boundary behind `p`.
  static char* page_end(const char* p) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(p);
    return reinterpret_cast<char*>((at / page() + 1) * page());
  }

  const char* start_;
  char* next_;
  bool is_ours_;
};

mx::array copy_into(const std::shared_ptr<HugeRegion>& region, const mx::array& a) {
  mx::array copy = array_in(region, a.shape(), a.dtype());
  LeftMemory memory(a);
  for (size_t first = 0, last; first < a.nbytes(); first = last) {
    last = std::min(a.nbytes(), first + kSlice);
    std::memcpy(copy.data<char>() + first, a.data<char>() + first, last - first);
    memory.left(last);
  }
  return copy;
}

size_t byte_count(const AffineWeights& m) { return m.w->nbytes() + m.scales->nbytes() + m.biases->nbytes(); }

// What zeros behind the last row add to a packed matrix.
size_t spare_bytes(const AffineWeights& m) { return cpu::packed_size(*m.w, *m.scales, m.bits, m.group) - byte_count(m); }

bool can_pack(const AffineWeights& m) {
  return can_move(*m.w) && can_move(*m.scales) && can_move(*m.biases) &&
         cpu::should_pack(*m.w, *m.scales, *m.biases, m.bits, m.group) &&
         cpu::packed_size(*m.w, *m.scales, m.bits, m.group) <= std::numeric_limits<int>::max();
}

void pack(const std::shared_ptr<HugeRegion>& region, const AffineWeights& m) {
  mx::array packed = array_in(region, {static_cast<int>(cpu::packed_size(*m.w, *m.scales, m.bits, m.group))}, mx::uint8);
  LeftMemory words(*m.w), scales(*m.scales), biases(*m.biases);
  const size_t rows = m.w->size() / static_cast<size_t>(m.w->shape(-1));
  cpu::pack_into(*m.w, *m.scales, *m.biases, m.bits, m.group, packed.data<char>(), kSlice, [&](size_t done) {
    words.left(m.w->nbytes() / rows * done);
    scales.left(m.scales->nbytes() / rows * done);
    biases.left(m.biases->nbytes() / rows * done);
  });
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
  static constexpr size_t kTrimAfter = size_t{32} << 20;
  size_t freed_ = 0;
};

}  // namespace

void move_to_huge_pages(const std::vector<AffineWeights>& matrices, const std::vector<mx::array*>& arrays) {
  size_t total = 0;
  for (const mx::array* a : arrays) total += can_move(*a) ? HugeRegion::room_for(a->nbytes()) : 0;
  for (const AffineWeights& m : matrices) total += can_pack(m) ? spare_bytes(m) : 0;
  if (total < kHugePage) return;
  const size_t pages = (total + kHugePage - 1) / kHugePage * kHugePage;
  const std::shared_ptr<HugeRegion> region = HugeRegion::reserve(pages, pages);
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
