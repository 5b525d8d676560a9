// Splits a loop over the machine's real cores.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace abstractllm::cpu {

// Threads that share a loop, the caller included. Default: the cores this process may use (core_count.h).
size_t thread_count();

// For the whole process; 0 restores the default. Safe while loops run: it holds for the ones that start later.
void set_thread_count(size_t n);

// Somebody who waited for what loops computed will go on beside the loops that come. A thread that loses its core to them
// in the middle of a loop would hold up all others: where there are as many threads as processors, loops do with one
// thread less, until the core is taken back or for two milliseconds.
void lend_core();
void take_core_back();

// Elements that take a simple kernel about 10 us: fewer are not worth a second thread.
constexpr size_t kElementsPerRange = 32768;

using RangeBody = void (*)(const void* context, size_t begin, size_t end);
void run_ranges(size_t count, size_t grain, RangeBody body, const void* context);

// Calls `body(begin, end)` for ranges that cover [0, count) once, on several threads, and returns when all are done.
// Every `begin` is a multiple of `grain`: give it so that one range is worth about 10 us, and a single range runs on
// the caller. One loop runs at a time: a second stream's, or one inside a body, runs on its own caller alone.
// The body must not throw.
template <typename F>
void parallel_for(size_t count, size_t grain, F&& body) {
  using Body = std::remove_reference_t<F>;
  run_ranges(
      count, grain,
      [](const void* context, size_t begin, size_t end) {
        (*const_cast<Body*>(static_cast<const Body*>(context)))(begin, end);
      },
      std::addressof(body));
}

}  // namespace abstractllm::cpu
