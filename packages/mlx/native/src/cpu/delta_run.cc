#include "delta_run.h"

#include "delta_mixer.h"

namespace abstractllm::cpu {

void run_delta_layer(const PreparedDelta& l, const RecurrentRoom& room, const RunForm& form, const NormedRows& rows,
                     const float* addend, float* out) {
  const size_t M = form.rows(), found_width = l.H * l.V;
  const size_t sizes[] = {M * l.channels(), M * found_width, M * l.H, M * l.H, M * found_width};
  const auto [qkv, z, b, a, found] = scratch_arrays<PreparedDelta>(sizes);
  multiply({{l.qkv, qkv}, {l.z, z}, {l.b, b}, {l.a, a}}, rows.rows(), form.rounding, [&](size_t m) { rows.make(m); });
  DeltaMix mix{};
  mix.sizes = {form.B, form.L, l.K, l.H, l.V, l.D, false};
  mix.conv = {form.L, l.channels(), l.W, l.channels(), qkv, room.past, l.taps};
  mix.eps = rows.eps;
  mix.z = z, mix.b = b, mix.a = a;
  mix.log_rates = l.log_rates, mix.biases = l.biases, mix.norm = l.norm;
  mix.state = room.state, mix.next_state = room.state, mix.next_past = room.past;
  mix.out = found;
  mix.run();
  multiply({{l.out, out, addend}}, {found, M, found_width}, form.rounding, [](size_t) {});
}

}  // namespace abstractllm::cpu
