// Hammers the thread pool: many loops from several threads, nested, resized meanwhile, and in a forked child.
// Prints "ok" or says what went wrong. `npm run test:sanitizers` builds it, also with the sanitizer for threads.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "../src/cpu/thread_pool.h"

using namespace abstractllm::cpu;

namespace {

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

void covers_once(size_t count, size_t grain) {
  std::vector<std::atomic<int>> seen(count);
  parallel_for(count, grain, [&](size_t begin, size_t end) {
    expect(begin % grain == 0 && begin < end && end <= count, "ranges start at multiples of the grain");
    for (size_t i = begin; i < end; i++) seen[i].fetch_add(1, std::memory_order_relaxed);
  });
  for (auto& s : seen) expect(s.load() == 1, "every index is visited once");
}

void hammer(int rounds) {
  for (int i = 0; i < rounds; i++) covers_once(1 + static_cast<size_t>(i * 37 % 501), 1 + static_cast<size_t>(i % 7));
}

}  // namespace

int main() {
  expect(thread_count() >= 1, "there is a thread");
  set_thread_count(4);
  hammer(2000);
  std::vector<std::thread> streams;
  for (int i = 0; i < 3; i++) streams.emplace_back(hammer, 2000);
  for (int i = 0; i < 200; i++) set_thread_count(static_cast<size_t>(1 + i % 5));
  for (auto& s : streams) s.join();
  for (size_t threads : {1, 2, 4}) {
    set_thread_count(threads);
    std::thread borrower([] {
      for (int i = 0; i < 5000; i++) i % 3 == 0 ? take_core_back() : lend_core();
    });
    hammer(2000);
    borrower.join();
    hammer(200);
  }
  set_thread_count(3);
  std::atomic<int> inner{0};
  parallel_for(8, 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) parallel_for(10, 1, [&](size_t b, size_t e) { inner += static_cast<int>(e - b); });
  });
  expect(inner == 80, "a loop inside a loop runs");
  pid_t child = fork();
  if (child == 0) {
    hammer(100);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  expect(status == 0, "a forked child has a pool of its own");
  std::puts("ok");
}
