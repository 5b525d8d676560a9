#include "mamba_run.h"

namespace abstractllm::cpu {

void run_mamba_layer(const PreparedMamba& l, const RecurrentRoom& room, const RunForm& form, const NormedRows& rows,
                     const float* addend, float* out) {
  const size_t M = form.rows(), F = l.features();
  const size_t sizes[] = {M * l.in.N, M * F};
  const auto [projected, found] = scratch_arrays<PreparedMamba>(sizes);
  multiply({{l.in, projected}}, rows.rows(), form.rounding, [&](size_t m) { rows.make(m); });
  const MambaMix mix{{form.B, form.L, l.G, l.H, l.P, l.N, false, StateRule::sum},
                     {form.L, l.channels(), l.W, l.in.N, projected + F, room.past, l.taps, l.conv_bias},
                     l.learned,
                     projected,
                     room.state,
                     found,
                     room.past,
                     room.state};
  mix.run();
  multiply({{l.out, out, addend}}, {found, M, F}, form.rounding, [](size_t) {});
}

}  // namespace abstractllm::cpu
