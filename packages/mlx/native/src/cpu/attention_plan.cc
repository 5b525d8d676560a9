#include "attention_plan.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "attention_coarse.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Multiplications that take some microseconds.
constexpr double kWorkPerRange = 5e4;
// Fewer keys in a piece cost more in merging than another thread gains.
constexpr int kLeastKeys = 256;
// Keys in a piece of a single position. Cuts that depend on nothing but the keys it sees give it the same sums in every
// batch, behind any padding and on any number of threads.
constexpr int kKeysPerPart = 128;
// Of many rows.
constexpr size_t kPiecesPerThread = 8;
constexpr int kMostRows = std::max(kAttentionRows, kCoarseRows);

struct KernelMemory;
struct Sums;
struct Partial;
struct MergedRow;

// `n` counters that start at `value`, of the calling thread.
std::atomic<int>* counters(size_t n, int value) {
  static thread_local std::vector<std::atomic<int>> all;
  if (all.size() < n) all = std::vector<std::atomic<int>>(n);
  for (size_t i = 0; i < n; i++) all[i].store(value, std::memory_order_relaxed);
  return all.data();
}

// Pieces are (batch entry, key head, block of rows, part of the keys), the last fastest. The rows of a key head are its
// query heads at each position, position by position.
class Plan {
 public:
  explicit Plan(const AttentionProblem& p) : p_(p), group_(p.H / p.K), rows_(group_ * p.L), is_coarse_(allows_coarse(p)),
        block_rows_(most_rows()), slots_(std::min(rows_, block_rows_)) {
    blocks_ = (rows_ + block_rows_ - 1) / block_rows_;
    const size_t pieces = static_cast<size_t>(p.B) * p.K * blocks_;
    const size_t wanted = 2 * thread_count();
    parts_ = 1;
    if (p.L == 1) {
      parts_ = std::max(1, (p.S + kKeysPerPart - 1) / kKeysPerPart);
    } else if (thread_count() > 1 && pieces < wanted) {
      const int most = std::max(1, p.S / kLeastKeys);
      parts_ = std::min(most, static_cast<int>((wanted + pieces - 1) / pieces));
    }
    blocks_total_ = pieces;
  }

  void run() {
    const size_t dims = p_.keys.value_dims;
    if (parts_ > 1) {
      const size_t states = blocks_total_ * parts_ * slots_;
      const auto [sums, others] = scratch_arrays<Partial>({states * dims, 2 * states});
      partial_sums_ = sums, partial_ = others;
      left_ = counters(blocks_total_, parts_);
    }
    parallel_for(blocks_total_ * parts_, grain(), [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; i++) {
        piece(i, i + 1 < end);
        if (parts_ > 1 && left_[i / parts_].fetch_sub(1, std::memory_order_acq_rel) == 1) merge(i / parts_);
      }
    });
  }

 private:
  struct Block {
    int b, head, first, count;
  };

  static bool allows_coarse([[maybe_unused]] const AttentionProblem& p) {
#if ABSTRACTLLM_X86
    return p.is_coarse && has_coarse_form(p.keys) && has_bf16_products();
#else
    return false;
#endif
  }

  // Rows of one piece: as many as the kernel takes, but pieces enough for threads to end together.
  int most_rows() const {
    if (!is_coarse_) return kAttentionRows;
    const size_t all = static_cast<size_t>(p_.B) * p_.K * rows_, wanted = kPiecesPerThread * thread_count();
    const size_t blocks = (all / wanted + kAttentionRows - 1) / kAttentionRows;
    return std::clamp(static_cast<int>(blocks) * kAttentionRows, kAttentionRows, kCoarseRows);
  }

  Block block_at(size_t index) const {
    Block block;
    const int i = static_cast<int>(index % blocks_);
    index /= blocks_;
    block.head = static_cast<int>(index % p_.K);
    block.b = static_cast<int>(index / p_.K);
    block.first = i * block_rows_;
    block.count = std::min(block_rows_, rows_ - block.first);
    return block;
  }

  int head_of(const Block& block, int r) const { return block.head * group_ + (block.first + r) % group_; }
  int position_of(const Block& block, int r) const { return (block.first + r) / group_; }

  size_t grain() const {
    const double rows = std::min(rows_, block_rows_);
    const double work = rows * p_.S / parts_ * (p_.keys.score_dims() + p_.keys.value_dims) * (p_.is_causal ? 0.5 : 1);
    return std::max<size_t>(1, static_cast<size_t>(kWorkPerRange / std::max(1.0, work)));
  }

  AttentionRow row(const Block& block, int r) const {
    const int h = head_of(block, r), l = position_of(block, r);
    AttentionRow row;
    row.q = p_.q + block.b * p_.q_strides[0] + h * p_.q_strides[1] + l * p_.q_strides[2];
    row.q_more = p_.q_more + block.b * p_.q_more_strides[0] + h * p_.q_more_strides[1] + l * p_.q_more_strides[2];
    row.visible = p_.is_causal ? p_.S - p_.L + l + 1 : p_.S;
    row.mask = nullptr;
    if (p_.keys.mask_kind != MaskKind::none) {
      const int64_t size = p_.keys.mask_kind == MaskKind::bools ? 1 : 4;
      const int64_t at = block.b * p_.mask_strides[0] + h * p_.mask_strides[1] + l * p_.mask_strides[2];
      row.mask = static_cast<const char*>(p_.mask) + at * size;
    }
    return row;
  }

  AttentionKeys keys_of(const Block& block) const {
    AttentionKeys keys = p_.keys;
    const int64_t size = cache_item(keys.type);
    keys.k = static_cast<const char*>(keys.k) + (block.b * p_.k_strides[0] + block.head * p_.k_strides[1]) * size;
    keys.v = static_cast<const char*>(keys.v) + (block.b * p_.v_strides[0] + block.head * p_.v_strides[1]) * size;
    const int64_t more = block.b * p_.more_strides[0] + block.head * p_.more_strides[1];
    if (keys.more_dims > 0) keys.k_more = static_cast<const char*>(keys.k_more) + more * size;
    return keys;
  }

  // The first key that some row's mask shows; 0 when a row sees none, as then it averages all of them.
  int first_seen(int b, const AttentionRow* rows, int count, int last) const {
    if (p_.first) return p_.first[b];
    if (p_.keys.mask_kind != MaskKind::bools) return 0;
    int first = last;
    for (int r = 0; r < count && first > 0; r++) {
      const auto* mask = static_cast<const char*>(rows[r].mask);
      if (r > 0 && mask == rows[r - 1].mask) continue;
      int s = 0;
      while (s < last && !mask[s * p_.keys.mask_step]) s++;
      if (s == last) return 0;
      first = std::min(first, s);
    }
    return first;
  }

  // Where part `part` of the keys [first, last) begins.
  int cut(int first, int last, int part) const {
    if (p_.L == 1) return std::min(last, first + part * kKeysPerPart);
    return first + static_cast<int>(static_cast<int64_t>(last - first) * part / parts_);
  }

  // The first key of piece `index`, unless it is found out only while it is read or follows the piece before.
  const void* first_key(size_t index) const {
    if (index % parts_ != 0) return nullptr;
    const Block block = block_at(index / parts_);
    const int first = p_.first ? p_.first[block.b] : 0;
    return static_cast<const char*>(keys_of(block).k) + first * p_.keys.k_stride * cache_item(p_.keys.type);
  }

  // `goes_on` when this thread computes the next piece as well.
  void piece(size_t index, bool goes_on) {
    const Block block = block_at(index / parts_);
    const int part = static_cast<int>(index % parts_);
    AttentionRow rows[kMostRows];
    float most[kMostRows], total[kMostRows];
    for (int r = 0; r < block.count; r++) {
      rows[r] = row(block, r);
      const bool has_sink = p_.sinks && part == 0;
      most[r] = has_sink ? p_.sinks[head_of(block, r) * p_.sinks_stride] : std::numeric_limits<float>::lowest();
      total[r] = has_sink ? 1 : 0;
    }
    const int dims = p_.keys.value_dims;
    const bool is_whole = parts_ == 1;
    const size_t slot = index * slots_;
    float* sums = is_whole ? scratch_floats<Sums>(static_cast<size_t>(slots_) * dims) : partial_sums_ + slot * dims;
    // rows go up in position: what the last one does not see, none does
    const int last = rows[block.count - 1].visible, first = first_seen(block.b, rows, block.count, last);
    float* scratch = scratch_floats<KernelMemory>(scratch_size());
    AttentionKeys keys = keys_of(block);
    if (goes_on) keys.next = first_key(index + 1);
    kernel_for(block.count)(rows, block.count, keys, cut(first, last, part), cut(first, last, part + 1),
                        AttentionState{sums, most, total}, scratch);
    if (is_whole) {
      for (int r = 0; r < block.count; r++) finish(block, r, sums + static_cast<size_t>(r) * dims, most[r], total[r]);
    } else {
      std::copy_n(most, block.count, &partial_[2 * slot]);
      std::copy_n(total, block.count, &partial_[2 * slot + slots_]);
    }
  }

  size_t scratch_size() const {
    const size_t fine = attention_scratch(p_.keys.score_dims(), p_.keys.value_dims);
#if ABSTRACTLLM_X86
    if (is_coarse_) return std::max(fine, coarse_attention_scratch(p_.keys.key_dims, p_.keys.value_dims));
#endif
    return fine;
  }

  decltype(&scalar::attend) kernel_for([[maybe_unused]] int count) const {
#if ABSTRACTLLM_X86
    // fewer rows would leave most of a vector empty
    if (is_coarse_ && count > kAttentionRows / 4) return &attend_coarse_avx512bf16;
    if (halves_wide_vectors()) return &avx512vl::attend;
#endif
    return PICK_KERNEL(attend);
  }

  float* out_row(const Block& block, int r) const {
    const int64_t position = static_cast<int64_t>(block.b) * p_.L + position_of(block, r);
    return p_.out + (position * p_.H + head_of(block, r)) * p_.keys.value_dims;
  }

  void finish(const Block& block, int r, const float* sums, float most, float total) const {
    PICK_KERNEL(merge_attention)(&sums, &most, &total, 1, p_.keys.value_dims, out_row(block, r));
  }

  void merge(size_t index) const {
    const Block block = block_at(index);
    static thread_local std::vector<const float*> sums;
    sums.resize(parts_);
    float *most = scratch_floats<MergedRow>(2 * static_cast<size_t>(parts_)), *total = most + parts_;
    for (int r = 0; r < block.count; r++) {
      for (int part = 0; part < parts_; part++) {
        const size_t slot = (index * parts_ + part) * slots_;
        sums[part] = partial_sums_ + (slot + r) * p_.keys.value_dims;
        most[part] = partial_[2 * slot + r];
        total[part] = partial_[2 * slot + slots_ + r];
      }
      PICK_KERNEL(merge_attention)(sums.data(), most, total, parts_, p_.keys.value_dims, out_row(block, r));
    }
  }

  const AttentionProblem& p_;
  int group_, rows_;
  bool is_coarse_;
  int block_rows_;
  int slots_;  // rows of a full block
  int blocks_, parts_;
  size_t blocks_total_;
  float* partial_ = nullptr;
  float* partial_sums_ = nullptr;
  std::atomic<int>* left_ = nullptr;  // parts of each block that are not computed yet
};

}  // namespace

void run_attention(const AttentionProblem& problem) { Plan(problem).run(); }

}  // namespace abstractllm::cpu
