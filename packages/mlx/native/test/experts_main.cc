// Compares mixtures of experts at every instruction set here with sums in double precision, on buffers of the exact size.
// `npm run test:sanitizers` builds it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "../src/cpu/dispatch.h"
#include "../src/cpu/expert_mlp.h"
#include "../src/cpu/thread_pool.h"
#include "quantized_weights.h"

using namespace abstractllm::cpu;

namespace {

constexpr size_t kExperts = 16, K = 128, F = 192, N = 48;

void multiply(const float* gate, const float* up, float* out, size_t n, GateShape) {
  for (size_t i = 0; i < n; i++) out[i] = gate[i] * up[i];
}

// A sum, and that of the magnitudes of its parts, by which its error is judged.
struct Sum {
  double value = 0, size = 0;
  void add(double part, double part_size) { value += part, size += part_size; }
  void add(double part) { add(part, std::abs(part)); }
};

std::vector<float> scaled(std::vector<float> numbers, float scale) {
  for (float& v : numbers) v *= scale;
  return numbers;
}

// Rows whose products with random weights are about as large as 1.
std::vector<float> small_rows(size_t M) { return scaled(normal(M * K), 0.003f); }

// Numbers of a row as sums.
auto input_of(const float* x) {
  return [x](size_t k) { return Sum{x[k], std::abs(x[k])}; };
}

// Matrices `[rows, columns]`, one behind the other.
struct Stack {
  size_t rows, columns;
  Weights weights;
  std::optional<Packed> packed;
  std::vector<float> biases;

  // `bias` is how large biases are, 0 where there are none.
  Stack(int bits, bool is_packed, float bias, size_t rows, size_t columns, size_t count = kExperts)
      : rows(rows), columns(columns), weights(bits, 64, count * rows, columns) {
    if (is_packed) packed.emplace(weights.matrix, count * rows);
    if (bias != 0) biases = scaled(normal(count * rows), bias);
  }

  QuantProduct first() const { return {packed ? packed->matrix : weights.matrix, rows, nullptr}; }
  const float* first_bias() const { return biases.empty() ? nullptr : biases.data(); }

  // Result `n` of one of them, where x(k) are the numbers of a row.
  template <typename X>
  Sum product(size_t index, size_t n, X&& x) const {
    const size_t row = index * rows + n;
    Sum sum;
    for (size_t k = 0; k < columns; k++) {
      const double w = weights.values[row * columns + k];
      const Sum from = x(k);
      sum.add(w * from.value, std::abs(w) * from.size);
    }
    if (!biases.empty()) sum.add(biases[row]);
    return sum;
  }
};

struct Mixture {
  Stack gate, up, down;

  Mixture(int bits, int down_bits, bool is_packed, bool has_biases)
      : gate(bits, is_packed, has_biases ? 1 : 0, F, K), up(bits, is_packed, has_biases ? 1 : 0, F, K),
        down(down_bits, is_packed, has_biases ? 1e4f : 0, N, F) {}

  ExpertStacks stacks() const {
    return {gate.first(), up.first(), down.first(), {multiply}, gate.first_bias(), up.first_bias(), down.first_bias()};
  }

  template <typename Activate>
  void add_answer(size_t expert, const float* x, double score, Activate&& activate, Sum* to) const {
    std::vector<Sum> hidden;
    for (size_t f = 0; f < F; f++) {
      const Sum g = gate.product(expert, f, input_of(x)), u = up.product(expert, f, input_of(x));
      hidden.push_back({activate(g.value) * u.value, g.size * u.size});
    }
    for (size_t n = 0; n < N; n++) {
      const Sum answer = down.product(expert, n, [&](size_t f) { return hidden[f]; });
      to[n].add(score * answer.value, std::abs(score) * answer.size);
    }
  }
};

int failures = 0;

void compare(const char* what, const std::vector<Sum>& expected, const float* out, size_t M, double tolerance) {
  double worst = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    const double error = std::abs(out[i] - expected[i].value) / expected[i].size;
    if (!(error <= worst)) worst = error;
  }
  if (worst <= tolerance) return;
  std::fprintf(stderr, "failed on %s: %s, %zu rows: error %g\n", isa_name(isa()), what, M, worst);
  failures++;
}

// 16 bits lose a little, and the rest of the arithmetic is float32's.
double tolerance_of(Rounding rounding) { return rounding == Rounding::none ? 2e-6 : 1e-4; }

constexpr Rounding kRoundings[] = {Rounding::none, Rounding::to_16_bits};

// Rows that ask `asked` experts each, one after the other and then all over again; two rows add up in one.
void check_questions(const Mixture& mixture, size_t M, size_t asked) {
  const std::vector<float> x = small_rows(M), scores = normal(M * asked);
  const size_t sums = (M + 1) / 2;
  std::vector<Sum> expected(sums * N);
  std::vector<Question> questions;
  for (size_t i = 0; i < M * asked; i++) {
    const Question q{i / asked, (i * 3 + i / asked) % kExperts, i / asked / 2, scores[i]};
    questions.push_back(q);
    mixture.add_answer(q.expert, &x[q.row * K], q.score, [](double g) { return g; }, &expected[q.to * N]);
  }
  for (const Rounding rounding : kRoundings) {
    const auto out = std::make_unique<float[]>(sums * N);
    std::vector<Question> some = questions;
    ask_experts(mixture.stacks(), some, x.data(), K, rounding, out.get());
    compare("questions to experts", expected, out.get(), M, tolerance_of(rounding));
  }
}

// The experts of the largest shares, and these.
std::vector<std::pair<size_t, double>> choose(const std::vector<double>& logits, size_t asked, bool is_normed) {
  std::vector<std::pair<size_t, double>> shares;
  for (size_t i = 0; i < logits.size(); i++) shares.push_back({i, std::exp(logits[i])});
  std::sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  const auto last = is_normed ? shares.begin() + static_cast<std::ptrdiff_t>(asked) : shares.end();
  double total = 0;
  for (auto share = shares.begin(); share != last; share++) total += share->second;
  shares.resize(asked);
  for (auto& share : shares) share.second /= total;
  return shares;
}

// What the experts that a router chooses add to `h`; where shares are normed, with a row added to its gates and scales.
void check_chosen(const Mixture& mixture, const Stack& router, size_t M, size_t asked, bool is_normed) {
  const std::vector<float> h = scaled(normal(M * N), 1e4f), source = small_rows(M);
  const std::vector<float> added = normal(kExperts), scales = normal(kExperts);
  std::vector<Sum> expected(M * N);
  for (size_t i = 0; i < M * N; i++) expected[i].add(h[i]);
  for (size_t m = 0; m < M; m++) {
    const float* x = &source[m * K];
    std::vector<double> logits;
    for (size_t i = 0; i < kExperts; i++) logits.push_back(router.product(0, i, input_of(x)).value);
    for (size_t i = 0; is_normed && i < kExperts; i++) logits[i] += added[i];
    for (const auto& [expert, chosen] : choose(logits, asked, is_normed)) {
      const double share = is_normed ? chosen * scales[expert] : chosen;
      mixture.add_answer(expert, x, share, [](double g) { return g / (1 + std::exp(-g)); }, &expected[m * N]);
    }
  }
  const auto x = std::make_unique<float[]>(M * K), out = std::make_unique<float[]>(M * N);
  const auto make = [&](size_t m) { std::copy_n(&source[m * K], K, &x[m * K]); };
  ExpertMlp experts{};
  experts.router = router.first(), experts.stacks = mixture.stacks(), experts.kind = GateKind::swiglu;
  experts.routing = {ScoreKind::softmax, asked, is_normed, 1, 1, 1, 0};
  if (is_normed) experts.router_row = added.data(), experts.scales = scales.data();
  run_experts(experts, {x.get(), M, K}, make, h.data(), Rounding::none, out.get());
  compare("chosen experts", expected, out.get(), M, 2e-5);
}

void check_level() {
  for (const bool is_packed : {false, true}) {
    if (is_packed && (!has_packed_products() || isa() == Isa::scalar)) continue;
    for (const auto& [bits, down_bits] : {std::pair{4, 4}, std::pair{4, 8}, std::pair{8, 4}}) {
      for (const bool has_biases : {false, true}) {
        const Mixture mixture(bits, down_bits, is_packed, has_biases);
        // one row, a few whose experts share loops, so many that each expert has its own
        for (const size_t M : {1, 6, 9, 100}) check_questions(mixture, M, 3);
        if (has_biases) continue;
        const Stack router(8, is_packed, 0, kExperts, K, 1);
        for (const size_t M : {1, 5, 60}) {
          for (const bool is_normed : {false, true}) check_chosen(mixture, router, M, 2, is_normed);
        }
      }
    }
  }
}

}  // namespace

int main() {
  set_thread_count(3);
  for (int level = 0; level < kIsaCount; level++) {
    if (set_isa(static_cast<Isa>(level))) check_level();
  }
  if (failures == 0) std::puts("ok");
  return failures == 0 ? 0 : 1;
}
