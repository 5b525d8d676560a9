#include "conv_run.h"

#include "recurrent_mixer.h"
#include "short_conv.h"

namespace abstractllm::cpu {

namespace {

void multiply_rows(const float* a, const float* b, float* out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

}  // namespace

void run_conv_layer(const PreparedConv& l, const RecurrentRoom& room, const RunForm& form, const NormedRows& rows,
                    const float* addend, float* out) {
  const size_t M = form.rows(), C = l.C;
  const size_t sizes[] = {M * 3 * C, M * C, M * C};
  const auto [projected, inputs, found] = scratch_arrays<PreparedConv>(sizes);
  multiply({{l.in, projected}}, rows.rows(), form.rounding, [&](size_t m) { rows.make(m); });
  // of each row a gate of what goes in, one of what comes out, and what goes in
  for (size_t m = 0; m < M; m++) multiply_rows(projected + m * 3 * C, projected + (3 * m + 2) * C, inputs + m * C, C);
  const ShortConv conv{form.L, C, l.W, C, inputs, room.past, l.taps};
  mix_stretches(form.B, conv, room.past, [&, found = found, projected = projected](size_t entry, size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) {
      const size_t m = entry * form.L + i;
      conv.run(entry, i, false, found + m * C);
      multiply_rows(projected + (3 * m + 1) * C, found + m * C, found + m * C, C);
    }
  });
  multiply({{l.out, out, addend}}, {found, M, C}, form.rounding, [](size_t) {});
}

}  // namespace abstractllm::cpu
