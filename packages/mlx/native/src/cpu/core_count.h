// How many cores this process may really use.
#pragma once

#include <cstddef>

namespace abstractllm::cpu {

// Cores in the affinity mask (hyper-threads counted once; on Apple the performance cores), capped by the cgroup's
// processor quota rounded up. At least 1.
size_t usable_cores();

// Processors in the affinity mask, each hyper-thread counted. At least 1.
size_t usable_processors();

}  // namespace abstractllm::cpu
