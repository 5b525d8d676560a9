#include "thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>

#include "core_count.h"
#include "dispatch.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <pthread.h>
#endif
#if ABSTRACTLLM_X86
#include <immintrin.h>
#endif

namespace abstractllm::cpu {

namespace {

// Long enough to bridge the graph work between two kernels of a decode step, short enough to cost nothing when idle.
constexpr auto kSpinTime = std::chrono::microseconds(60);
// Longer than what a decode step has to do beside its kernels.
constexpr auto kLendTime = std::chrono::milliseconds(2);
constexpr size_t kMaxThreads = 256;
// Most ranges of a loop: the first ones are large, so that few are taken, the last ones small, so that threads end together
// even where other processes slow one down.
constexpr size_t kMostRanges = 4 * kMaxThreads;

void relax() {
#if ABSTRACTLLM_X86
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

template <typename Condition>
bool spin_until(Condition done) {
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 32; i++) {
      if (done()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() - start < kSpinTime);
  return false;
}

// One word holds the job's number, its ranges and the next range to take. A thread that takes a range in it knows that
// the job is the current one and cannot end before the range does, so the fields below are stable while it works; one
// that comes late finds no range left, or takes part in the job that runs now.
struct Ticket {
  static constexpr int kBits = 16;
  static constexpr uint64_t kMask = (1u << kBits) - 1;
  static uint64_t make(uint64_t job, uint64_t ranges) { return job << (2 * kBits) | ranges << kBits; }
  static uint64_t ranges(uint64_t t) { return t >> kBits & kMask; }
  static uint64_t next(uint64_t t) { return t & kMask; }
  static bool is_empty(uint64_t t) { return next(t) >= ranges(t); }
};

class Pool {
 public:
  void run(size_t count, size_t grain, RangeBody body, const void* context) {
    const size_t threads = active_threads();
    const size_t pieces = (count + grain - 1) / grain;
    if (threads <= 1 || pieces <= 1 || busy_.exchange(true, std::memory_order_acquire)) {
      body(context, 0, count);
      return;
    }
    start_workers(threads - 1);
    body_ = body;
    context_ = context;
    const size_t ranges = cut(count, grain, pieces, threads);
    done_.store(0, std::memory_order_relaxed);
    ticket_.store(Ticket::make(++job_, ranges), std::memory_order_seq_cst);
    if (started_.load(std::memory_order_relaxed) < threads - 1 + sleepers_.load(std::memory_order_seq_cst)) {
      wakes_.fetch_add(1, std::memory_order_seq_cst);
      wakes_.notify_all();
    }
    take_ranges();
    auto is_done = [&] { return done_.load(std::memory_order_acquire) == ranges; };
    while (!spin_until(is_done)) std::this_thread::yield();  // a worker lost its core in the middle of a range
    busy_.store(false, std::memory_order_release);
  }

  size_t thread_count() {
    size_t n = threads_.load(std::memory_order_relaxed);
    if (n == 0) {
      n = std::min(usable_cores(), kMaxThreads);
      threads_.store(n, std::memory_order_relaxed);
    }
    return n;
  }

  void lend_core() {
    static const size_t processors = usable_processors();
    const size_t n = thread_count();
    if (n > 1 && n >= processors) lent_until_.store(ticks(Clock::now() + kLendTime), std::memory_order_relaxed);
  }

  void take_core_back() { lent_until_.store(kNever, std::memory_order_relaxed); }

  void set_thread_count(size_t n) {
    std::lock_guard lock(resize_);
    threads_.store(std::min(n, kMaxThreads), std::memory_order_relaxed);
    wanted_.store(std::min(wanted_.load(), thread_count() - 1));
    wakes_.fetch_add(1);
    wakes_.notify_all();  // workers above the count end
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int64_t kNever = 0;

  static int64_t ticks(Clock::time_point t) { return t.time_since_epoch().count(); }

  bool is_core_lent() const {
    const int64_t until = lent_until_.load(std::memory_order_relaxed);
    return until != kNever && ticks(Clock::now()) < until;
  }

  // Those that may work now, the caller of a loop included.
  size_t active_threads() {
    const size_t n = thread_count();
    return n > 1 && is_core_lent() ? n - 1 : n;
  }

  bool may_work(size_t index) { return index < wanted_.load(std::memory_order_relaxed) && index + 1 < active_threads(); }

  // Each range is a share of what is left. Returns how many there are.
  size_t cut(size_t count, size_t grain, size_t pieces, size_t threads) {
    size_t ranges = 0, taken = 0;
    while (taken < pieces) {
      starts_[ranges++] = taken * grain;
      const size_t left = pieces - taken;
      const size_t room = kMostRanges + 1 - ranges;
      taken += std::max<size_t>({1, left / (2 * threads), (left + room - 1) / room});
    }
    starts_[ranges] = count;
    return ranges;
  }

  void take_ranges() {
    uint64_t t = ticket_.load(std::memory_order_acquire);
    while (!Ticket::is_empty(t)) {
      if (!ticket_.compare_exchange_weak(t, t + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      const size_t range = Ticket::next(t);
      body_(context_, starts_[range], starts_[range + 1]);
      done_.fetch_add(1, std::memory_order_release);
      t = ticket_.load(std::memory_order_acquire);
    }
  }

  void start_workers(size_t n) {
    if (started_.load(std::memory_order_relaxed) >= n && wanted_.load(std::memory_order_relaxed) >= n) return;
    std::lock_guard lock(resize_);
    wanted_.store(std::max(n, wanted_.load()));
    for (size_t i = started_.load(); i < n; i++) {
      std::thread([this, i] { work(i); }).detach();
      started_.store(i + 1);
    }
  }

  // True when this worker is above the wanted count and the last one started: workers end from the last to the first,
  // so that the ones left are always the first.
  bool should_end(size_t index) {
    if (index < wanted_.load()) return false;
    std::lock_guard lock(resize_);
    if (index < wanted_.load() || started_.load() != index + 1) return false;
    started_.store(index);
    wakes_.fetch_add(1);
    wakes_.notify_all();
    return true;
  }

  void work(size_t index) {
    while (true) {
      auto has_work = [&] { return !Ticket::is_empty(ticket_.load(std::memory_order_acquire)); };
      if (spin_until([&] { return has_work() || !may_work(index); }) && may_work(index)) {
        take_ranges();
        continue;
      }
      const uint32_t seen = wakes_.load(std::memory_order_seq_cst);
      if (should_end(index)) return;
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      const bool is_wanted = may_work(index);
      if (!is_wanted || Ticket::is_empty(ticket_.load(std::memory_order_seq_cst))) wakes_.wait(seen);
      sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    }
  }

  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<size_t> done_{0};
  alignas(64) RangeBody body_ = nullptr;
  const void* context_ = nullptr;
  uint64_t job_ = 0;
  size_t starts_[kMostRanges + 1] = {};
  alignas(64) std::atomic<bool> busy_{false};
  std::atomic<uint32_t> wakes_{0};
  std::atomic<size_t> sleepers_{0};
  std::atomic<size_t> threads_{0};
  std::atomic<size_t> wanted_{0};
  std::atomic<size_t> started_{0};
  std::atomic<int64_t> lent_until_{kNever};
  std::mutex resize_;
};

std::atomic<Pool*> current{nullptr};

// Node unloads an addon when the last worker_thread that used it ends; the threads here still run its code.
void keep_library_loaded() {
#ifdef _WIN32
  HMODULE self;
  GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     reinterpret_cast<LPCSTR>(&keep_library_loaded), &self);
#else
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&keep_library_loaded), &info)) dlopen(info.dli_fname, RTLD_LAZY | RTLD_NODELETE);
#endif
}

// Never destroyed: workers may still look at it while the process exits.
Pool& pool() {
  if (Pool* p = current.load(std::memory_order_acquire)) return *p;
  static std::mutex creation;
  static std::once_flag once;
  std::call_once(once, [] {
    keep_library_loaded();
#ifndef _WIN32
    // a forked child has none of the workers: it starts with a new pool
    pthread_atfork(nullptr, nullptr, [] { current.store(nullptr, std::memory_order_release); });
#endif
  });
  std::lock_guard lock(creation);
  if (!current.load(std::memory_order_acquire)) current.store(new Pool(), std::memory_order_release);
  return *current.load(std::memory_order_acquire);
}

}  // namespace

size_t thread_count() { return pool().thread_count(); }

void set_thread_count(size_t n) { pool().set_thread_count(n); }

void lend_core() { pool().lend_core(); }

void take_core_back() { pool().take_core_back(); }

void run_ranges(size_t count, size_t grain, RangeBody body, const void* context) {
  if (count == 0) return;
  if (count <= grain) return body(context, 0, count);
  pool().run(count, grain == 0 ? 1 : grain, body, context);
}

}  // namespace abstractllm::cpu
