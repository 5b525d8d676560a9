#include "huge_pages.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <unordered_set>
#include <utility>

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "memory_guard.h"
#include "mlx/allocator.h"

namespace abstractllm {

namespace {

constexpr size_t kLine = 64;  // kernels load whole cache lines
// libmlx's CPU allocator keeps a block's size in front of it, and a Buffer points there.
constexpr size_t kHeader = sizeof(size_t);

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

std::atomic<size_t> held{0};

// Tells sanitizers where blocks lie: only of what `malloc` gives do they know it themselves.
#ifdef __SANITIZE_ADDRESS__
void allow(const void* start, size_t bytes) { __asan_unpoison_memory_region(start, bytes); }
void forbid(const void* start, size_t bytes) { __asan_poison_memory_region(start, bytes); }
#else
void allow(const void*, size_t) {}
void forbid(const void*, size_t) {}
#endif

// Blocks that may be written.
class OwnBlocks {
 public:
  void add(const void* block) {
    std::lock_guard lock(mutex_);
    blocks_.insert(block);
  }
  void remove(const void* block) {
    std::lock_guard lock(mutex_);
    blocks_.erase(block);
  }
  bool has(const void* block) {
    std::lock_guard lock(mutex_);
    return blocks_.contains(block);
  }

 private:
  std::mutex mutex_;
  std::unordered_set<const void*> blocks_;
};

// Never destroyed: streams may still run when the process ends.
OwnBlocks& own_blocks() {
  static OwnBlocks& blocks = *new OwnBlocks();
  return blocks;
}

#ifdef __linux__
// Whether the allocator in use is libmlx's own; others have buffers that we cannot make.
bool has_headers() {
  static const bool found = [] {
    const mx::allocator::Data block = mx::allocator::malloc(kLine);
    mx::allocator::Buffer buffer = block.buffer();
    return static_cast<char*>(buffer.raw_ptr()) == static_cast<char*>(buffer.ptr()) + kHeader;
  }();
  return found;
}
#endif

}  // namespace

size_t huge_page_bytes() { return held.load(); }

size_t HugeRegion::room_for(size_t bytes) { return round_up(bytes, kLine) + kLine; }

HugeRegion::HugeRegion(char* start, size_t size) : start_(start), size_(size) {
  next_ = start + (round_up(reinterpret_cast<uintptr_t>(start), kHugePage) - reinterpret_cast<uintptr_t>(start));
}

#ifdef __linux__

std::shared_ptr<HugeRegion> HugeRegion::reserve(size_t bytes, size_t huge) {
  if (!has_headers()) return nullptr;
  const size_t size = bytes + kHugePage;
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  forbid(p, size);
  std::shared_ptr<HugeRegion> region(new HugeRegion(static_cast<char*>(p), size));
  madvise(region->next_, huge, MADV_HUGEPAGE);  // refused by kernels without: then these are pages like any other
  return region;
}

HugeRegion::~HugeRegion() {
  allow(start_, size_);
  munmap(start_, size_);
}

namespace {

// The pages that lie in [start, start + bytes), which nobody uses any more.
void give_back_pages(char* start, size_t bytes) {
  static const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t from = reinterpret_cast<uintptr_t>(start);
  const uintptr_t first = round_up(from, page), last = (from + bytes) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace

#else

std::shared_ptr<HugeRegion> HugeRegion::reserve(size_t, size_t) { return nullptr; }

HugeRegion::~HugeRegion() = default;

namespace {

void give_back_pages(char*, size_t) {}

}  // namespace

#endif

mx::allocator::Data HugeRegion::take(size_t bytes) {
  char* block = std::exchange(next_, next_ + room_for(bytes)) + kLine;
  allow(block - kHeader, kHeader + bytes);
  std::memcpy(block - kHeader, &bytes, kHeader);
  held += bytes;
  auto release = [region = shared_from_this(), bytes](mx::allocator::Buffer buffer) {
    held -= bytes;
    own_blocks().remove(buffer.ptr());
    forbid(buffer.ptr(), kHeader + bytes);
    // other blocks may keep the region for long
    if (region.use_count() > 1) give_back_pages(static_cast<char*>(buffer.ptr()), kHeader + bytes);
  };
  return mx::allocator::Data(mx::allocator::Buffer(block - kHeader), std::move(release));
}

namespace {

// Smaller blocks stay ordinary ones, of which libmlx keeps some for the next.
constexpr size_t kLeastShare = size_t{64} << 10;

mx::allocator::Data block_of_its_own(size_t bytes) {
  const size_t room = HugeRegion::room_for(bytes);
  const std::shared_ptr<HugeRegion> region = HugeRegion::reserve(room, room / kHugePage * kHugePage);
  return region ? region->take(bytes) : mx::allocator::malloc(bytes);
}

// Blocks of less than a huge page, one behind the other in the same pages.
class SharedPages {
 public:
  mx::allocator::Data take(size_t bytes) {
    const size_t room = HugeRegion::room_for(bytes);
    std::lock_guard lock(mutex_);
    std::shared_ptr<HugeRegion> region = region_.lock();
    if (!region || left_ < room) {
      region = HugeRegion::reserve(kBytes, kBytes);
      if (!region) return mx::allocator::malloc(bytes);
      region_ = region;
      left_ = kBytes;
    }
    left_ -= room;
    return region->take(bytes);
  }

 private:
  static constexpr size_t kBytes = 8 * kHugePage;
  std::mutex mutex_;
  std::weak_ptr<HugeRegion> region_;  // ends with its last block
  size_t left_ = 0;
};

// Never destroyed, as `own_blocks`.
SharedPages& shared_pages() {
  static SharedPages& pages = *new SharedPages();
  return pages;
}

}  // namespace

mx::allocator::Data huge_block(size_t bytes) {
  const size_t room = HugeRegion::room_for(bytes);
  if (room < kLeastShare) return mx::allocator::malloc(bytes);
  check_free_memory(bytes);
  mx::allocator::Data block = room < kHugePage ? shared_pages().take(bytes) : block_of_its_own(bytes);
  own_blocks().add(block.buffer().ptr());
  return block;
}

bool may_write(const mx::array& a) {
  return a.data_shared_ptr()->is_owned() || own_blocks().has(a.data_shared_ptr()->buffer().ptr());
}

}  // namespace abstractllm
