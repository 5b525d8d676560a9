#include "sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu_primitive.h"
#include "dispatch.h"
#include "row_loop.h"

namespace abstractllm::cpu {

namespace {

constexpr float kRemoved = -std::numeric_limits<float>::infinity();

// The smallest logit that stays: the first, from the top, with which the probabilities reach `top_p` of their sum.
float top_p_threshold(const float* x, size_t n, double top_p, std::vector<float>& weights) {
  const float max = *std::max_element(x, x + n);
  weights.resize(n);
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    weights[i] = std::exp(x[i] - max);
    total += weights[i];
  }
  // Sorting the few tokens that matter: lower the bar until those above it have the mass.
  std::vector<std::pair<float, float>> likely;  // weight, logit
  for (float bar = 1e-2f;; bar *= 1e-2f) {
    likely.clear();
    double mass = 0;
    for (size_t i = 0; i < n; i++) {
      if (weights[i] <= bar) continue;
      likely.emplace_back(weights[i], x[i]);
      mass += weights[i];
    }
    if (mass >= top_p * total) break;
    if (bar < 1e-12f) return kRemoved;  // rounding keeps the rest apart: nothing to remove
  }
  std::sort(likely.begin(), likely.end(), [](auto& a, auto& b) { return a.second > b.second; });
  double above = 0;
  float threshold = max;
  for (auto& [weight, logit] : likely) {
    if (above >= top_p * total) break;
    threshold = logit;
    above += weight;
  }
  return threshold;
}

class TopP : public CpuPrimitive {
 public:
  explicit TopP(double top_p) : top_p_(top_p) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    enqueue([rows = RowView(inputs[0]), target = out.data<float>(), top_p = top_p_] {
      const size_t n = rows.length();
      for_each_row(rows, [&](size_t i, const float* x) {
        std::vector<float> weights;
        const float threshold = top_p_threshold(x, n, top_p, weights);
        for (size_t j = 0; j < n; j++) target[i * n + j] = x[j] < threshold ? kRemoved : x[j];
      });
    });
  }

  const char* name() const override { return "CpuTopP"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return top_p_ == static_cast<const TopP&>(other).top_p_;
  }

 private:
  double top_p_;
};

// The first entry at which the running sum of probabilities passes `uniform`; never one of probability 0.
uint32_t draw(const float* x, size_t n, float uniform) {
  const float max = *std::max_element(x, x + n);
  thread_local std::vector<float> weights;
  weights.resize(n);
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    weights[i] = std::exp(x[i] - max);
    total += weights[i];
  }
  const double target = uniform * total;
  double sum = 0;
  size_t last = 0;
  for (size_t i = 0; i < n; i++) {
    if (weights[i] == 0) continue;
    sum += weights[i];
    last = i;
    if (sum > target) break;
  }
  return static_cast<uint32_t>(last);
}

// Inputs: logits [1, V] and a uniform sample [1].
class Categorical : public CpuPrimitive {
 public:
  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    enqueue([rows = RowView(inputs[0]), uniform = inputs[1].data<float>(), target = out.data<uint32_t>()] {
      std::vector<float> scratch(rows.is_dense() ? 0 : rows.length());
      *target = draw(rows.row(0, scratch.data()), rows.length(), *uniform);
    });
  }

  const char* name() const override { return "CpuCategorical"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }
};

bool is_native(const mx::array& logits) {
  return use_native() && is_plain_float32(logits) && logits.ndim() > 0 && logits.size() > 0;
}

mx::array composed_top_p(const mx::array& logits, double top_p) {
  auto sorted = mx::sort(logits, -1);
  auto weights = mx::exp(mx::subtract(mx::astype(sorted, mx::float32), mx::astype(mx::max(logits, -1, true), mx::float32)));
  auto above = mx::cumsum(weights, -1, true, false, mx::StreamOrDevice{});
  auto total = mx::sum(weights, -1, true);
  auto dropped = mx::sum(mx::astype(mx::greater_equal(above, mx::multiply(total, mx::array(static_cast<float>(top_p)))), mx::int32), -1, true);
  // float32 has no room for the smallest `top_p`: the likeliest stays
  auto last = mx::array(logits.shape(-1) - 1, mx::int32);
  auto threshold = mx::take_along_axis(sorted, mx::minimum(dropped, last), -1);
  return mx::where(mx::less(logits, threshold), mx::array(kRemoved, logits.dtype()), logits);
}

}  // namespace

mx::array top_p(const mx::array& logits, double top_p) {
  if (!is_native(logits)) return composed_top_p(logits, top_p);
  return mx::array(logits.shape(), mx::float32, std::make_shared<TopP>(top_p), {logits});
}

mx::array categorical(const mx::array& logits, int axis, const std::optional<mx::array>& key) {
  // libmlx draws a single row by the inverse of its cumulative distribution, several rows by Gumbel noise
  const bool is_one_row = logits.ndim() == 2 && logits.shape(0) == 1 && (axis == -1 || axis == 1);
  if (!is_one_row || !is_native(logits)) return mx::random::categorical(logits, axis, key);
  auto uniform = mx::random::uniform(mx::Shape{1}, mx::float32, key);
  return mx::array(mx::Shape{1}, mx::uint32, std::make_shared<Categorical>(), {logits, uniform});
}

}  // namespace abstractllm::cpu
