#include "kept_blocks.h"

namespace abstractllm {

namespace {

// malloc itself reuses smaller ones.
constexpr size_t kLeast = size_t{1} << 20;

}  // namespace

mx::allocator::Buffer KeptBlocks::take(size_t bytes) {
  if (bytes < kLeast) return Buffer(nullptr);
  std::lock_guard lock(mutex_);
  const size_t most = bytes + bytes / 8;
  auto best = blocks_.end();
  for (auto it = blocks_.begin(); it != blocks_.end(); ++it) {
    if (it->size >= bytes && it->size <= most && (best == blocks_.end() || it->size < best->size)) best = it;
  }
  if (best == blocks_.end()) return Buffer(nullptr);
  const Buffer buffer = best->buffer;
  bytes_ -= best->size;
  blocks_.erase(best);
  return buffer;
}

bool KeptBlocks::keep(Buffer block, Allocator& inner) {
  const size_t size = block.ptr() ? inner.size(block) : 0;
  if (size < kLeast) return false;
  std::lock_guard lock(mutex_);
  if (size > limit_) return false;
  free_oldest(limit_ - size);
  blocks_.push_back({block, size, &inner});
  bytes_ += size;
  return true;
}

void KeptBlocks::clear() {
  std::lock_guard lock(mutex_);
  free_oldest(0);
}

size_t KeptBlocks::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

void KeptBlocks::set_limit(size_t bytes) {
  std::lock_guard lock(mutex_);
  limit_ = bytes;
  free_oldest(bytes);
}

void KeptBlocks::free_oldest(size_t most) {
  auto last = blocks_.begin();
  for (; last != blocks_.end() && bytes_ > most; ++last) {
    bytes_ -= last->size;
    last->inner->free(last->buffer);
  }
  blocks_.erase(blocks_.begin(), last);
}

// Never destroyed: streams may still run when the process ends.
KeptBlocks& kept_blocks() {
  static KeptBlocks& blocks = *new KeptBlocks();
  return blocks;
}

}  // namespace abstractllm
