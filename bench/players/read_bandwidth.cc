// How fast threads read memory in order: read_bandwidth THREADS PASSES BYTES... prints bytes per second of each pass.
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// Memory in huge pages where the system has them, as the engine holds weights.
uint64_t* allocate(size_t bytes) {
  const size_t size = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* p = std::aligned_alloc(kHugePage, size);
  if (!p) std::abort();
#ifdef __linux__
  madvise(p, size, MADV_HUGEPAGE);
#endif
  return static_cast<uint64_t*>(p);
}

constexpr size_t kLanes = 64;  // independent sums, enough for the widest registers

uint64_t sum(const uint64_t* data, size_t count) {
  uint64_t lanes[kLanes] = {};
  for (size_t i = 0; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; lane++) lanes[lane] += data[i + lane];
  }
  uint64_t total = 0;
  for (uint64_t lane : lanes) total += lane;
  return total;
}

// Bytes per second of each pass over `bytes`, every thread reading its own part.
std::vector<double> measure(size_t threads, size_t passes, size_t bytes) {
  using Clock = std::chrono::steady_clock;
  const size_t share = bytes / threads / sizeof(uint64_t) / kLanes * kLanes;
  std::vector<uint64_t*> parts(threads);
  std::vector<uint64_t> sums(threads);
  std::vector<Clock::time_point> marks;
  auto mark = [&]() noexcept { marks.push_back(Clock::now()); };
  std::barrier gate(static_cast<std::ptrdiff_t>(threads), mark);
  auto work = [&](size_t t) {
    // written by the thread that reads it, so that pages are near it
    parts[t] = allocate(share * sizeof(uint64_t));
    std::memset(parts[t], static_cast<int>(t + 1), share * sizeof(uint64_t));
    gate.arrive_and_wait();
    for (size_t pass = 0; pass < passes; pass++) {
      sums[t] += sum(parts[t], share);
      gate.arrive_and_wait();
    }
    std::free(parts[t]);
  };
  std::vector<std::thread> pool;
  for (size_t t = 0; t < threads; t++) pool.emplace_back(work, t);
  for (std::thread& thread : pool) thread.join();
  uint64_t total = 0;
  for (uint64_t value : sums) total += value;
  if (total == 0) std::abort();  // keeps the sums, and so the reads
  std::vector<double> rates;
  for (size_t i = 1; i < marks.size(); i++) {
    const double seconds = std::chrono::duration<double>(marks[i] - marks[i - 1]).count();
    rates.push_back(static_cast<double>(share * threads * sizeof(uint64_t)) / seconds);
  }
  return rates;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: read_bandwidth THREADS PASSES BYTES...\n");
    return 2;
  }
  const size_t threads = std::stoul(argv[1]), passes = std::stoul(argv[2]);
  std::printf("{");
  for (int i = 3; i < argc; i++) {
    std::printf("%s\"%s\":[", i == 3 ? "" : ",", argv[i]);
    const std::vector<double> rates = measure(threads, passes + 1, std::stoul(argv[i]));
    for (size_t pass = 1; pass < rates.size(); pass++) std::printf("%s%.0f", pass == 1 ? "" : ",", rates[pass]);
    std::printf("]");
  }
  std::printf("}\n");
}
