#include "expert_mlp.h"

#include <algorithm>
#include <vector>

#include "activation_rows.h"
#include "quant_layer.h"
#include "scratch.h"
#include "softmax_rows.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// What one row asks one expert.
struct Question {
  size_t row, expert;
  float score;
};

// Appends those of one row, whose gates it uses up.
void choose(const ExpertMlp& experts, float* gates, size_t row, std::vector<Question>& questions) {
  const size_t first = questions.size();
  PICK_KERNEL(softmax_row)(gates, gates, experts.count());
  float total = 0;
  for (size_t i = 0; i < experts.asked; i++) {
    const size_t best = PICK_KERNEL(argmax_row)(gates, experts.count());
    questions.push_back({row, best, gates[best]});
    total += gates[best];
    gates[best] = -1;  // below every share
  }
  if (!experts.is_normed) return;
  for (size_t i = first; i < questions.size(); i++) questions[i].score /= total;
}

// Appends the products of questions in order with the matrices of one stack, those about one expert as one. Question i
// reads row i and writes row i of `to`; where all are about one row, that one.
void append_products(const QuantProduct& stack, const std::vector<Question>& questions, bool are_of_one_row, float* to,
                     std::vector<PartProduct>& products) {
  for (size_t i = 0; i < questions.size(); i++) {
    const size_t expert = questions[i].expert;
    if (i > 0 && expert == questions[i - 1].expert) products.back().count++;
    else products.push_back({{matrix_in_stack(stack, expert), stack.N, to + i * stack.N}, are_of_one_row ? 0 : i, 1});
  }
}

}  // namespace

void run_experts(const ExpertMlp& experts, const Rows& x, const RowMaker& make, const float* h, Rounding rounding,
                 float* out) {
  const size_t M = x.M, E = experts.down.N, F = experts.gate.N, X = experts.count(), count = M * experts.asked;
  const bool is_one_row = M == 1;
  const size_t sizes[] = {M * X, count * F, count * F, count * E, is_one_row ? 0 : count * x.stride};
  const auto [gates, gate, up, answers, rows] = scratch_arrays<ExpertMlp>(sizes);

  QuantProduct router = experts.router;
  router.out = gates;
  quant_products({&router, 1}, x, rounding, make);
  std::vector<Question> questions;
  for (size_t m = 0; m < M; m++) choose(experts, gates + m * X, m, questions);
  std::stable_sort(questions.begin(), questions.end(), [](const Question& a, const Question& b) { return a.expert < b.expert; });

  std::vector<PartProduct> products;
  append_products(experts.gate, questions, is_one_row, gate, products);
  append_products(experts.up, questions, is_one_row, up, products);
  if (is_one_row) {
    quant_products(products, x, rounding, [](size_t) {});
  } else {
    quant_products(products, {rows, count, x.stride}, rounding, [&](size_t i) {
      std::copy_n(x.x + questions[i].row * x.stride, x.stride, rows + i * x.stride);
    });
  }

  products.clear();
  append_products(experts.down, questions, false, answers, products);
  auto activation = experts.is_geglu ? PICK_KERNEL(geglu_row) : PICK_KERNEL(swiglu_row);
  quant_products(products, {gate, count, F}, rounding, [&](size_t i) {
    activation(gate + i * F, up + i * F, gate + i * F, F);
  });
  std::copy_n(h, M * E, out);
  for (size_t i = 0; i < count; i++) {
    float* to = out + questions[i].row * E;
    for (size_t n = 0; n < E; n++) to[n] += questions[i].score * answers[i * E + n];
  }
}

}  // namespace abstractllm::cpu
