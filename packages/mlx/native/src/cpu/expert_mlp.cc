#include "expert_mlp.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

#include "activation_rows.h"
#include "matmul_digit_loops.h"
#include "matmul_work.h"
#include "scratch.h"
#include "softmax_rows.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Up to so many questions for each expert they share loops: the weights that are read take longer than the rows.
constexpr size_t kFewOfExpert = 8;
// Of one loop, which bounds its memory.
constexpr size_t kLoopQuestions = kDigitRowBlock;

// Keeps a sum of scores that all underflow from dividing by zero; too small to change any other.
constexpr float kTiny = 1e-20f;

// Of GPT-OSS.
constexpr GateShape kOaiShape{1.702f, 7};

// Questions about one expert.
using Group = std::span<const Question>;

std::vector<Group> groups_of(std::vector<Question>& questions) {
  std::stable_sort(questions.begin(), questions.end(), [](const Question& a, const Question& b) { return a.expert < b.expert; });
  std::vector<Group> groups;
  for (size_t first = 0, last; first < questions.size(); first = last) {
    for (last = first + 1; last < questions.size() && questions[last].expert == questions[first].expert;) last++;
    groups.push_back({&questions[first], last - first});
  }
  return groups;
}

void add_scaled(float score, const float* row, size_t N, float* to) {
  for (size_t n = 0; n < N; n++) to[n] += score * row[n];
}

void add_answer(const ExpertStacks& experts, const Question& q, const float* answer, float* out) {
  const size_t N = experts.down.N;
  add_scaled(q.score, answer, N, out + q.to * N);
  if (const float* bias = experts.bias_of(q.expert)) add_scaled(q.score, bias, N, out + q.to * N);
}

// The products of one stack with the rows of all groups, which lie one behind the other, as do the results; or with the first
// row, where that is the only one.
std::vector<PartProduct> products_of(const QuantProduct& stack, std::span<const Group> groups, bool is_one_row, float* to) {
  std::vector<PartProduct> products;
  size_t first = 0;
  for (const Group& group : groups) {
    const QuantMatrix w = matrix_in_stack(stack, group[0].expert);
    products.push_back({{w, stack.N, to + first * stack.N}, is_one_row ? 0 : first, group.size()});
    first += group.size();
  }
  return products;
}

// Some groups, all products of a stack in one loop.
void ask_together(const ExpertStacks& experts, std::span<const Group> groups, const float* x, size_t stride, Rounding rounding,
                  float* out) {
  size_t count = 0;
  for (const Group& group : groups) count += group.size();
  const std::span<const Question> questions{groups[0].data(), count};
  const size_t K = experts.gate.w.K, F = experts.gate.N, N = experts.down.N, row = questions[0].row;
  const bool is_one_row = count == groups.size() && std::all_of(questions.begin(), questions.end(),
                                                                [row](const Question& q) { return q.row == row; });
  const size_t sizes[] = {count * F, count * experts.up.N, count * N, is_one_row ? 0 : count * K};
  const auto [gate, up, answers, rows] = scratch_arrays<ExpertStacks>(sizes);

  std::vector<PartProduct> products = products_of(experts.gate, groups, is_one_row, gate);
  if (experts.up.N > 0) {
    for (const PartProduct& p : products_of(experts.up, groups, is_one_row, up)) products.push_back(p);
  }
  if (is_one_row) {
    quant_products(products, {x + row * stride, 1, stride}, rounding, [](size_t) {});
  } else {
    quant_products(products, {rows, count, K}, rounding,
                   [&](size_t i) { std::copy_n(x + questions[i].row * stride, K, rows + i * K); });
  }
  quant_products(products_of(experts.down, groups, false, answers), {gate, count, F}, rounding,
                 [&](size_t i) {
                   GatedProducts mlp = experts.of(questions[i].expert);
                   mlp.gate.out = gate, mlp.up.out = up;
                   mlp.activate(i, 0, F);
                 });
  for (size_t i = 0; i < count; i++) add_answer(experts, questions[i], answers + i * N, out);
}

// One group after the other, with memory for the largest alone.
void ask_in_turn(const ExpertStacks& experts, std::span<const Group> groups, const float* x, size_t stride, Rounding rounding,
                 float* out) {
  const size_t K = experts.gate.w.K, F = experts.gate.N, N = experts.down.N;
  size_t most = 0, hidden_rows = 0;
  for (const Group& group : groups) {
    most = std::max(most, group.size());
    hidden_rows = std::max(hidden_rows, gated_rows(experts.of(0), group.size()));  // larger groups may be cut into smaller parts
  }
  const auto rows = std::make_unique_for_overwrite<float[]>(most * K);
  const auto hidden = std::make_unique_for_overwrite<float[]>(2 * hidden_rows * F);
  const auto answers = std::make_unique_for_overwrite<float[]>(most * N);
  for (const Group& group : groups) {
    GatedProducts mlp = experts.of(group[0].expert);
    mlp.gate.out = hidden.get(), mlp.up.out = hidden.get() + hidden_rows * F, mlp.down.out = answers.get();
    gated_products(mlp, {rows.get(), group.size(), K}, rounding,
                   [&](size_t i) { std::copy_n(x + group[i].row * stride, K, &rows[i * K]); });
    parallel_for(group.size(), numbers_grain(N), [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; i++) add_answer(experts, group[i], &answers[i * N], out);
    });
  }
}

void score(ScoreKind kind, float* gates, size_t n) {
  if (kind == ScoreKind::softmax) return PICK_KERNEL(softmax_row)(gates, gates, n);
  for (size_t i = 0; i < n; i++) {
    const float x = gates[i];
    const bool is_sigmoid = kind == ScoreKind::sigmoid;
    gates[i] = is_sigmoid ? 1 / (1 + std::exp(-x)) : std::sqrt(std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x))));
  }
}

// Of the groups that count less than others, all scores become `left`.
void leave_groups(const Routing& routing, float* scores, size_t count) {
  const size_t n = count / routing.groups;
  std::vector<std::pair<float, size_t>> sums(routing.groups);
  for (size_t g = 0; g < routing.groups; g++) {
    float best = -INFINITY, next = -INFINITY;
    for (size_t i = g * n; i < (g + 1) * n; i++) {
      next = std::max(next, std::min(best, scores[i]));
      best = std::max(best, scores[i]);
    }
    sums[g] = {std::max(-INFINITY, best + next), g};  // NaN has no place in an order
  }
  std::sort(sums.begin(), sums.end());
  for (size_t i = 0; i < routing.groups - routing.kept; i++) std::fill_n(scores + sums[i].second * n, n, routing.left);
}

// Appends those of one row. Needs memory for as many numbers as there are gates, and uses up both.
void choose(const ExpertMlp& experts, float* gates, float* eligible, size_t row, std::vector<Question>& questions) {
  const Routing& routing = experts.routing;
  const size_t first = questions.size(), count = experts.count();
  for (size_t i = 0; experts.router_row && i < count; i++) gates[i] += experts.router_row[i];
  score(routing.kind, gates, count);
  for (size_t i = 0; i < count; i++) eligible[i] = gates[i] + (routing.correction ? routing.correction[i] : 0);
  if (routing.kept < routing.groups) leave_groups(routing, eligible, count);
  float total = 0;
  for (size_t i = 0; i < routing.asked; i++) {
    const size_t best = PICK_KERNEL(argmax_row)(eligible, count);
    questions.push_back({row, best, row, gates[best]});
    total += gates[best];
    eligible[best] = -INFINITY;
  }
  for (size_t i = first; i < questions.size(); i++) {
    Question& q = questions[i];
    if (routing.is_normed) q.score /= total + kTiny;
    q.score *= routing.scale * (experts.scales ? experts.scales[q.expert] : 1);
  }
}

// Adds what it answers about each row to the row of the same number.
void ask_shared(const SharedExpert& expert, GatedActivation activation, const Rows& x, const float* scores, Rounding rounding,
                float* out) {
  const size_t N = expert.down.N;
  GatedProducts mlp{expert.gate, expert.up, expert.down, activation};
  const size_t hidden = gated_rows(mlp, x.M) * mlp.gate.N, sizes[] = {hidden, hidden, x.M * N};
  std::tie(mlp.gate.out, mlp.up.out, mlp.down.out) = std::tuple_cat(scratch_arrays<SharedExpert>(sizes));
  gated_products(mlp, x, rounding, [](size_t) {});
  for (size_t m = 0; m < x.M; m++) {
    const float score = expert.scorer ? 1 / (1 + std::exp(-scores[m])) : 1;
    add_scaled(score, mlp.down.out + m * N, N, out + m * N);
  }
}

}  // namespace

GatedProducts ExpertStacks::of(size_t expert) const {
  GatedProducts mlp{gate, up, down, activation};
  for (QuantProduct* p : {&mlp.gate, &mlp.up, &mlp.down}) {
    if (p->N > 0) p->w = matrix_in_stack(*p, expert);
  }
  if (gate_bias) mlp.gate_bias = gate_bias + expert * gate.N;
  if (up_bias) mlp.up_bias = up_bias + expert * up.N;
  return mlp;
}

void ask_experts(const ExpertStacks& experts, std::vector<Question>& questions, const float* x, size_t stride,
                 Rounding rounding, float* out) {
  const std::vector<Group> all = groups_of(questions);
  const std::span<const Group> groups = all;
  if (questions.size() > kFewOfExpert * groups.size()) return ask_in_turn(experts, groups, x, stride, rounding, out);
  for (size_t first = 0, last; first < groups.size(); first = last) {
    size_t count = groups[first].size();
    for (last = first + 1; last < groups.size() && count + groups[last].size() <= kLoopQuestions; last++) {
      count += groups[last].size();
    }
    ask_together(experts, groups.subspan(first, last - first), x, stride, rounding, out);
  }
}

GatedActivation activation_of(GateKind kind) {
  switch (kind) {
    case GateKind::geglu:
      return {PICK_KERNEL(geglu_row)};
    case GateKind::swiglu_oai:
      return {PICK_KERNEL(swiglu_oai_row), kOaiShape};
    case GateKind::relu2:
      return {PICK_KERNEL(relu_gate_row)};
    case GateKind::swiglu:
      break;
  }
  return {PICK_KERNEL(swiglu_row)};
}

std::vector<Question> route_rows(const ExpertMlp& experts, const Rows& x, const RowMaker& make, Rounding rounding,
                                 float* shared) {
  const size_t X = experts.count();
  const size_t sizes[] = {x.M * X, X};
  const auto [gates, eligible] = scratch_arrays<ExpertMlp>(sizes);
  const bool has_scorer = experts.shared && experts.shared->scorer;
  if (experts.dense_router) {
    for (size_t m = 0; m < x.M; m++) make(m);
    dense_product(*experts.dense_router, X, x, gates);
    if (has_scorer) quant_product(experts.shared->scorer->w, 1, x, shared, rounding);
  } else {
    QuantProduct products[2] = {experts.router};
    products[0].out = gates;
    if (has_scorer) products[1] = *experts.shared->scorer, products[1].out = shared;
    quant_products({products, has_scorer ? 2u : 1u}, x, rounding, make);
  }
  std::vector<Question> questions;
  for (size_t m = 0; m < x.M; m++) choose(experts, gates + m * X, eligible, m, questions);
  return questions;
}

void add_answers(const ExpertMlp& experts, std::vector<Question>& questions, const Rows& x, Rounding rounding, float* out) {
  ExpertStacks stacks = experts.stacks;
  stacks.activation = activation_of(experts.kind);
  ask_experts(stacks, questions, x.x, x.stride, rounding, out);
}

void run_experts(const ExpertMlp& experts, const Rows& x, const RowMaker& make, const float* addend, Rounding rounding,
                 float* out) {
  float* shared = scratch_floats<Question>(experts.shared ? x.M : 0);
  std::vector<Question> questions = route_rows(experts, x, make, rounding, shared);
  const size_t size = x.M * experts.stacks.down.N;
  if (addend) std::copy_n(addend, size, out);
  else std::fill_n(out, size, 0.0f);
  if (experts.shared) ask_shared(*experts.shared, activation_of(experts.kind), x, shared, rounding, out);
  add_answers(experts, questions, x, rounding, out);
}

}  // namespace abstractllm::cpu
