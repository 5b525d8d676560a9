// The attention kernels, compiled once per instruction set: the including file defines ISA.
//
// Two forms. A few rows (decode, attention_few.h), and many (prefill): rows in the lanes, so that keys and values are
// broadcast from the cache as they lie and neither scores nor softmax need sums across lanes.
#include "attention_few.h"

namespace abstractllm::cpu {

namespace {

constexpr int kStep = 64;  // keys at a time: scores, keys and values of a step stay in the first cache level

// c[j] = c[j] * factor + sum over i < n of a[j * a_row + i * a_step] * b[i], for kHeight rows of kVectors vectors.
template <int kHeight, int kVectors>
void tile(const float* a, int64_t a_row, int64_t a_step, const float* b, int n, const Floats* factor, float* c) {
  constexpr int kWidth = kVectors * kLanes;
  Floats acc[kHeight][kVectors] = {};
  if (factor) {
    for (int j = 0; j < kHeight; j++) {
      for (int i = 0; i < kVectors; i++) acc[j][i] = load(c + j * kWidth + i * kLanes) * factor[i];
    }
  }
  for (int s = 0; s < n; s++) {
    Floats right[kVectors];
    for (int i = 0; i < kVectors; i++) right[i] = load(b + s * kWidth + i * kLanes);
    for (int j = 0; j < kHeight; j++) {
      const Floats left = splat(a[j * a_row + s * a_step]);
      for (int i = 0; i < kVectors; i++) acc[j][i] = multiply_add(left, right[i], acc[j][i]);
    }
  }
  for (int j = 0; j < kHeight; j++) {
    for (int i = 0; i < kVectors; i++) store(c + j * kWidth + i * kLanes, acc[j][i]);
  }
}

// The same for any number of rows.
template <int kVectors>
void product(const float* a, int64_t a_row, int64_t a_step, int height, const float* b, int n, const Floats* factor,
             float* c) {
  constexpr int kWidth = kVectors * kLanes;
  int j = 0;
  for (; j + 6 <= height; j += 6) tile<6, kVectors>(a + j * a_row, a_row, a_step, b, n, factor, c + j * kWidth);
  a += j * a_row;
  c += j * kWidth;
  switch (height - j) {
    case 1: tile<1, kVectors>(a, a_row, a_step, b, n, factor, c); break;
    case 2: tile<2, kVectors>(a, a_row, a_step, b, n, factor, c); break;
    case 3: tile<3, kVectors>(a, a_row, a_step, b, n, factor, c); break;
    case 4: tile<4, kVectors>(a, a_row, a_step, b, n, factor, c); break;
    case 5: tile<5, kVectors>(a, a_row, a_step, b, n, factor, c); break;
    default: break;
  }
}

// `n` keys or values as floats side by side: where they lie, or converted to `room`.
const float* as_floats(const AttentionKeys& keys, const void* base, int64_t first, int64_t& stride, int dims, int n,
                       float* room) {
  const int64_t step = stride * cache_item(keys.type);
  const char* from = static_cast<const char*>(base) + first * step;
  if (keys.type == CacheType::f32) return reinterpret_cast<const float*>(from);
  stride = dims;
  for (int j = 0; j < n; j++, from += step) {
    float* to = room + j * dims;
    if (keys.type == CacheType::affine) {
      ISA::dequantize_row(reinterpret_cast<const uint8_t*>(from), to, dims, keys.format);
      continue;
    }
    for (int d = 0; d < dims; d += kLanes) {
      const Floats v = keys.type == CacheType::f16 ? load_at(reinterpret_cast<const Half*>(from), d, dims)
                                                   : load_at(reinterpret_cast<const Bf16*>(from), d, dims);
      store_at(to, v, d, dims);
    }
  }
  return room;
}

// One vector of rows: where they are and how far their softmax has come.
struct Lanes {
  Floats most, total, factor;
  Ints visible;
};

// Scores of keys [first, first + n) to weights, in place, for one vector of rows.
void soften_lanes(const AttentionKeys& keys, int first, int n, int least_visible, float* scores, int width,
                  Lanes& lanes) {
  if (keys.cap != 0) {
    for (int s = 0; s < n; s++) store(scores + s * width, capped(load(scores + s * width), keys.cap));
  }
  if (least_visible < first + n) {
    const Floats hidden = splat(-__builtin_inff());
    for (int s = 0; s < n; s++) {
      const Ints is_seen = lanes.visible > first + s;
      store(scores + s * width, is_seen ? load(scores + s * width) : hidden);
    }
  }
  Floats best = lanes.most;
  for (int s = 0; s < n; s++) best = larger(load(scores + s * width), best);
  best = larger(best, splat(kLowest));
  lanes.factor = exponential(lanes.most - best);
  Floats sum = {};
  for (int s = 0; s < n; s++) {
    const Floats p = exponential(load(scores + s * width) - best);
    store(scores + s * width, p);
    sum += p;
  }
  lanes.total = multiply_add(lanes.total, lanes.factor, sum);
  lanes.most = best;
}

void mask_scores(const AttentionRow* rows, int count, const AttentionKeys& keys, int first, int n, float* scores,
                 int width) {
  for (int r = 0; r < count; r++) {
    for (int s = 0; s < n; s++) {
      float& score = scores[s * width + r];
      score = masked(score, keys, rows[r].mask, first + s);
    }
  }
}

constexpr int kMostVectors = kLanes == 16 ? 4 : 2;  // that the registers hold accumulators for
constexpr int kMostWidth = kMostVectors * kLanes;

// Rows side by side in the lanes of a few vectors.
struct RowGroup {
  const AttentionRow* rows;
  int count, width;
  int least_visible;
  Lanes lanes[kMostVectors];
  float* q;     // [score_dims][width]
  float* sums;  // [value_dims][width]
};

// Takes from `room` what the group needs.
RowGroup start_group(const AttentionRow* rows, int count, const AttentionKeys& keys, const AttentionState& state,
                     float*& room) {
  RowGroup group{};
  group.rows = rows, group.count = count;
  group.width = count > kLanes ? kMostWidth : kLanes;
  const int width = group.width, numbers = (keys.score_dims() + keys.value_dims) * width;
  group.q = room, group.sums = room + keys.score_dims() * width;
  float* q_more = group.q + keys.key_dims * width;
  std::memset(room, 0, static_cast<size_t>(numbers) * sizeof(float));
  room += numbers;
  group.least_visible = rows[0].visible;
  for (int r = 0; r < count; r++) {
    for (int d = 0; d < keys.key_dims; d++) group.q[d * width + r] = rows[r].q[d] * keys.scale;
    for (int d = 0; d < keys.more_dims; d++) q_more[d * width + r] = rows[r].q_more[d] * keys.scale;
    Lanes& l = group.lanes[r / kLanes];
    l.most[r % kLanes] = state.most[r];
    l.total[r % kLanes] = state.total[r];
    l.visible[r % kLanes] = rows[r].visible;
    if (rows[r].visible < group.least_visible) group.least_visible = rows[r].visible;
  }
  return group;
}

void finish_group(const RowGroup& group, int dims, const AttentionState& state) {
  for (int r = 0; r < group.count; r++) {
    state.most[r] = group.lanes[r / kLanes].most[r % kLanes];
    state.total[r] = group.lanes[r / kLanes].total[r % kLanes];
    for (int d = 0; d < dims; d++) state.sums[r * dims + d] = group.sums[d * group.width + r];
  }
}

// Keys and values of one step as floats.
struct FloatStep {
  const float *k, *v, *more;
  int64_t k_stride, v_stride, more_stride;
  int first, n;
};

template <int kVectors>
void attend_step(RowGroup& group, const AttentionKeys& keys, const FloatStep& step, float* scores) {
  constexpr int kWidth = kVectors * kLanes;
  const int n = step.n;
  product<kVectors>(step.k, step.k_stride, 1, n, group.q, keys.key_dims, nullptr, scores);
  if (keys.more_dims > 0) {
    Floats ones[kVectors];
    for (Floats& one : ones) one = splat(1);
    const float* q_more = group.q + keys.key_dims * kWidth;
    product<kVectors>(step.more, step.more_stride, 1, n, q_more, keys.more_dims, ones, scores);
  }
  // libmlx caps before it masks
  const bool has_mask = keys.mask_kind != MaskKind::none;
  AttentionKeys rest = keys;
  if (has_mask && keys.cap != 0) {
    for (int i = 0; i < n * kVectors; i++) store(scores + i * kLanes, capped(load(scores + i * kLanes), keys.cap));
    rest.cap = 0;
  }
  if (has_mask) mask_scores(group.rows, group.count, keys, step.first, n, scores, kWidth);
  Floats factors[kVectors];
  for (int i = 0; i < kVectors; i++) {
    soften_lanes(rest, step.first, n, group.least_visible, scores + i * kLanes, kWidth, group.lanes[i]);
    factors[i] = group.lanes[i].factor;
  }
  product<kVectors>(step.v, 1, step.v_stride, keys.value_dims, scores, n, factors, group.sums);
}

// Keys and values of a step become floats once for all rows.
void attend_many(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
                 const AttentionState& state, float* scratch) {
  const int dims = keys.value_dims;
  float* scores = scratch;  // [kStep][width]
  float* key_room = scores + kStep * kMostWidth;
  float* more_room = key_room + kStep * keys.key_dims;
  float* value_room = more_room + kStep * keys.more_dims;
  float* room = value_room + kStep * dims;
  const bool are_values_keys = keys.v == keys.k && keys.v_stride == keys.k_stride && dims == keys.key_dims;
  const auto state_of = [&](int r) { return AttentionState{state.sums + r * dims, state.most + r, state.total + r}; };
  RowGroup groups[(kAttentionRows + kMostWidth - 1) / kMostWidth];
  int group_count = 0;
  for (int r = 0; r < count; r += kMostWidth) {
    const int n = count - r < kMostWidth ? count - r : kMostWidth;
    groups[group_count++] = start_group(rows + r, n, keys, state_of(r), room);
  }
  for (int first = begin; first < end; first += kStep) {
    FloatStep step{nullptr, nullptr, nullptr, keys.k_stride, keys.v_stride, keys.more_stride, first,
                   end - first < kStep ? end - first : kStep};
    step.k = as_floats(keys, keys.k, first, step.k_stride, keys.key_dims, step.n, key_room);
    if (are_values_keys) step.v = step.k, step.v_stride = step.k_stride;
    else step.v = as_floats(keys, keys.v, first, step.v_stride, dims, step.n, value_room);
    if (keys.more_dims > 0) step.more = as_floats(keys, keys.k_more, first, step.more_stride, keys.more_dims, step.n, more_room);
    for (int g = 0; g < group_count; g++) {
      if (groups[g].width == kMostWidth) attend_step<kMostVectors>(groups[g], keys, step, scores);
      else attend_step<1>(groups[g], keys, step, scores);
    }
  }
  for (int g = 0; g < group_count; g++) finish_group(groups[g], dims, state_of(g * kMostWidth));
}

}  // namespace

namespace ISA {

void attend(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
            const AttentionState& state, float* scratch) {
  if (count > kFewRows) return attend_many(rows, count, keys, begin, end, state, scratch);
  if (keys.type != CacheType::affine) return attend_few_floats(rows, count, keys, begin, end, state, scratch);
  switch (keys.format.bits) {
    case 2: return attend_few<AffineRows<2>>(rows, count, keys, begin, end, state, scratch);
    case 4: return attend_few<AffineRows<4>>(rows, count, keys, begin, end, state, scratch);
    default: return attend_few<AffineRows<8>>(rows, count, keys, begin, end, state, scratch);
  }
}

void merge_attention(const float* const* sums, const float* most, const float* total, int parts, int value_dims,
                     float* out) {
  if (parts == 1) {
    const Floats scale = splat(1 / total[0]);
    for (int d = 0; d < value_dims; d += kLanes) store_at(out, load_at(sums[0], d, value_dims) * scale, d, value_dims);
    return;
  }
  float best = most[0];
  for (int i = 1; i < parts; i++) best = most[i] > best ? most[i] : best;
  // lanes behind the last part hold 0, which may be far above the best
  const auto weights_at = [&](int i) { return exponential(smaller(load_at(most, i, parts) - splat(best), Floats{})); };
  Floats all = {};
  for (int i = 0; i < parts; i += kLanes) all = multiply_add(load_at(total, i, parts), weights_at(i), all);
  const Floats scale = splat(1 / sum_lanes(all));
  for (int i = 0; i < parts; i += kLanes) {
    const Floats weights = weights_at(i) * scale;
    for (int j = i; j < i + kLanes && j < parts; j++) {
      for (int d = 0; d < value_dims; d += kLanes) {
        const Floats part = load_at(sums[j], d, value_dims) * splat(weights[j - i]);
        store_at(out, j == 0 ? part : part + load_at(out, d, value_dims), d, value_dims);
      }
    }
  }
}

}  // namespace ISA

}  // namespace abstractllm::cpu
