// Memory in huge pages: read in order from pages of 4 KiB, memory gives little more than half its rate.
#pragma once

#include <cstddef>
#include <memory>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm {

constexpr size_t kHugePage = size_t{2} << 20;

// Address space whose pages come as they are written; given back with the last block in it.
class HugeRegion : public std::enable_shared_from_this<HugeRegion> {
 public:
  // With huge pages for the first `huge` of `bytes`; the others are small. Null where there is no such memory, or an
  // allocator whose blocks cannot be imitated.
  static std::shared_ptr<HugeRegion> reserve(size_t bytes, size_t huge);
  // With kSharedBytes in huge pages, for blocks that come and go: the pages stay a while for the blocks that come next.
  static constexpr size_t kSharedBytes = 8 * kHugePage;
  static constexpr size_t kSharedSize = kSharedBytes + kHugePage;  // with room to begin at a huge page
  static std::shared_ptr<HugeRegion> shared();
  ~HugeRegion();
  HugeRegion(const HugeRegion&) = delete;
  HugeRegion& operator=(const HugeRegion&) = delete;

  // Bytes that a block takes: whole cache lines, and one in front for its header.
  static size_t room_for(size_t bytes);
  // The next block. All of them together must fit.
  mx::allocator::Data take(size_t bytes);

 private:
  HugeRegion(char* start, size_t size);

  [[maybe_unused]] char* start_;  // only Linux gives it back
  [[maybe_unused]] size_t size_;
  [[maybe_unused]] bool is_shared_ = false;
  [[maybe_unused]] size_t used_before_ = 0;  // bytes from the first block on that earlier blocks had
  char* first_;  // where blocks begin
  char* next_;
};

// A block in huge pages: its own as far as whole ones fit into it, those of a few pages one behind the other. An ordinary
// block where there are no such pages, or which is too small to be worth it.
mx::allocator::Data huge_block(size_t bytes);

// Whether `a` lies in such a block, huge or ordinary: what is written there, nobody else wrote.
bool may_write(const mx::array& a);

// Bytes of blocks in regions, which libmlx does not count.
size_t huge_page_bytes();

}  // namespace abstractllm
