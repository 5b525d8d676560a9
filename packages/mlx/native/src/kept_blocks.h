// Large blocks of memory that were given back, for those that are asked for next. New pages must be found and cleared,
// which takes longer than most operations on them. libmlx keeps blocks on GPUs alone.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "mlx/allocator.h"

namespace mx = mlx::core;

namespace abstractllm {

class KeptBlocks {
 public:
  using Allocator = mx::allocator::Allocator;
  using Buffer = mx::allocator::Buffer;

  // A block of at least `bytes` and little more; null when none is kept.
  Buffer take(size_t bytes);
  // Keeps a block of `inner` in place of those that lie here longest; false when it is none to keep.
  bool keep(Buffer block, Allocator& inner);
  void clear();

  size_t bytes() const;
  void set_limit(size_t bytes);

 private:
  struct Block {
    Buffer buffer;
    size_t size;
    Allocator* inner;
  };

  void free_oldest(size_t most);

  mutable std::mutex mutex_;
  std::vector<Block> blocks_;  // the oldest first
  size_t bytes_ = 0;
  size_t limit_ = size_t{1} << 30;  // what a picture of a million pixels takes to look at
};

// Of the process.
KeptBlocks& kept_blocks();

}  // namespace abstractllm
