// What libmlx leaves unchecked about memory: sizes that overflow, and allocations that fail.
#pragma once

#include <cstdint>

#include "env.h"

namespace abstractllm {

// Bytes of a dense array. Throws "invalid-argument" on a negative dimension or more bytes than can be addressed.
uint64_t byte_size(const mx::Shape& shape, mx::Dtype dtype);

// Throws "invalid-argument" when the size of `a` overflows: libmlx would wrap around and write out of bounds.
void check_size(const mx::array& a);

// Throws "out-of-memory" when `bytes` more than what arrays use now would pass the memory limit. Gives back what is kept
// for reuse where that would pass it.
void check_free_memory(uint64_t bytes);

}  // namespace abstractllm
