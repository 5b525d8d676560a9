#include "huge_pages.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
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

HugeRegion::HugeRegion(char* start, size_t size)
    : start_(start), size_(size),
      first_(start + (round_up(reinterpret_cast<uintptr_t>(start), kHugePage) - reinterpret_cast<uintptr_t>(start))),
      next_(first_) {}

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

namespace {

void give_back_region(char* start, size_t bytes) {
  allow(start, bytes);
  munmap(start, bytes);
}

// What blocks that share regions left, for the blocks that come next: the system clears new pages, which can take longer
// than reading a short prompt. What lay here longest is given back first.
class SparePages {
 public:
  // Of a block in `region`, whose other blocks may keep it for long.
  void keep_block(const HugeRegion* region, char* start, size_t bytes) {
    std::lock_guard lock(mutex_);
    keep({region, start, bytes});
  }

  // All of a shared region that ends, of which the first `bytes` were in use.
  void keep_region(char* start, size_t bytes) {
    std::lock_guard lock(mutex_);
    keep({nullptr, start, bytes});
  }

  // What blocks left in a region that ends.
  void forget(const HugeRegion* region) {
    std::lock_guard lock(mutex_);
    std::erase_if(parts_, [&](const Part& part) {
      if (part.region == region) kept_ -= part.bytes;
      return part.region == region;
    });
  }

  // The shared region of which most was in use; nothing when none is left.
  std::optional<std::pair<char*, size_t>> take_region() {
    std::lock_guard lock(mutex_);
    auto most = parts_.end();
    for (auto part = parts_.begin(); part != parts_.end(); ++part) {
      if (!part->region && (most == parts_.end() || part->bytes > most->bytes)) most = part;
    }
    if (most == parts_.end()) return std::nullopt;
    const Part found = *most;
    kept_ -= found.bytes;
    parts_.erase(most);
    return std::pair(found.start, found.bytes);
  }

 private:
  struct Part {
    const HugeRegion* region;  // null where it is all of one
    char* start;
    size_t bytes;
  };
  static constexpr size_t kMost = 2 * HugeRegion::kSharedBytes;

  void keep(const Part& part) {
    parts_.push_back(part);
    kept_ += part.bytes;
    while (kept_ > kMost) {
      give_back(parts_.front());
      kept_ -= parts_.front().bytes;
      parts_.pop_front();
    }
  }

  static void give_back(const Part& part) {
    if (!part.region) return give_back_region(part.start, HugeRegion::kSharedSize);
    static const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t from = reinterpret_cast<uintptr_t>(part.start);
    const uintptr_t first = round_up(from, page), last = (from + part.bytes) / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }

  std::mutex mutex_;
  std::deque<Part> parts_;
  size_t kept_ = 0;
};

// Never destroyed, as `own_blocks`.
SparePages& spare_pages() {
  static SparePages& pages = *new SparePages();
  return pages;
}

void leave_block(const HugeRegion* region, char* start, size_t bytes) { spare_pages().keep_block(region, start, bytes); }

}  // namespace

std::shared_ptr<HugeRegion> HugeRegion::shared() {
  std::shared_ptr<HugeRegion> region;
  if (const auto spare = spare_pages().take_region()) {
    region.reset(new HugeRegion(spare->first, kSharedSize));
    region->used_before_ = spare->second;
  } else {
    region = reserve(kSharedBytes, kSharedBytes);
  }
  if (region) region->is_shared_ = true;
  return region;
}

HugeRegion::~HugeRegion() {
  spare_pages().forget(this);
  if (is_shared_) spare_pages().keep_region(start_, std::max(used_before_, static_cast<size_t>(next_ - first_)));
  else give_back_region(start_, size_);
}

#else

std::shared_ptr<HugeRegion> HugeRegion::reserve(size_t, size_t) { return nullptr; }

std::shared_ptr<HugeRegion> HugeRegion::shared() { return nullptr; }

HugeRegion::~HugeRegion() = default;

namespace {

void leave_block(const HugeRegion*, char*, size_t) {}

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
    if (region.use_count() > 1) leave_block(region.get(), static_cast<char*>(buffer.ptr()), kHeader + bytes);
  };
  return mx::allocator::Data(mx::allocator::Buffer(block - kHeader), std::move(release));
}

namespace {

// Smaller blocks stay ordinary ones, of which libmlx keeps some for the next.
constexpr size_t kLeastShare = size_t{64} << 10;
// Larger ones have pages of their own: what does not fill a huge page at their end is a small part of them.
constexpr size_t kMostShare = HugeRegion::kSharedBytes / 2;

mx::allocator::Data block_of_its_own(size_t bytes) {
  const size_t room = HugeRegion::room_for(bytes);
  const std::shared_ptr<HugeRegion> region = HugeRegion::reserve(room, room / kHugePage * kHugePage);
  return region ? region->take(bytes) : mx::allocator::malloc(bytes);
}

// Blocks one behind the other in the same pages.
class SharedPages {
 public:
  mx::allocator::Data take(size_t bytes) {
    const size_t room = HugeRegion::room_for(bytes);
    std::lock_guard lock(mutex_);
    std::shared_ptr<HugeRegion> region = region_.lock();
    if (!region || left_ < room) {
      region = HugeRegion::shared();
      if (!region) return mx::allocator::malloc(bytes);
      region_ = region;
      left_ = HugeRegion::kSharedBytes;
    }
    left_ -= room;
    return region->take(bytes);
  }

 private:
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
  mx::allocator::Data block = room <= kMostShare ? shared_pages().take(bytes) : block_of_its_own(bytes);
  own_blocks().add(block.buffer().ptr());
  return block;
}

bool may_write(const mx::array& a) {
  return a.data_shared_ptr()->is_owned() || own_blocks().has(a.data_shared_ptr()->buffer().ptr());
}

}  // namespace abstractllm
