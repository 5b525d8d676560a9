#include "rope.h"

#include <cstring>

#include "cpu_primitive.h"
#include "mlx/fast.h"
#include "rope_rows.h"
#include "rope_table.h"
#include "row_loop.h"
#include "scratch.h"

namespace abstractllm::cpu {

namespace {

struct Rotation {
  int dims;
  bool traditional;
  std::optional<float> base;
  float scale;
  int offset;        // when there is no array of offsets
  bool has_offsets;  // input 1: one per batch row, or one for all
  bool has_freqs;    // the last input
  bool operator==(const Rotation&) const = default;
};

// A vector of at most two dtypes, read when the node runs.
struct Offsets {
  const int32_t* data;
  int64_t step;  // 0: one for all
};

class Rope : public CpuPrimitive {
 public:
  explicit Rope(Rotation r) : rotation_(r) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override;

  const char* name() const override { return "CpuRoPE"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return rotation_ == static_cast<const Rope&>(other).rotation_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

 private:
  Rotation rotation_;
};

// Rows `[B, ..., L]` of one batch entry share their angles.
struct Job {
  Rotation r;
  RowView rows;
  float* target;
  size_t batches, length;
  std::optional<Offsets> offsets;
  const float* freqs;
  int64_t freqs_step;

  RopeAngles angles() const {
    RopeAngles a{r.dims / 2, r.base, {}, r.scale, r.offset, static_cast<int>(length)};
    for (int i = 0; freqs && i < a.half; i++) a.periods.push_back(freqs[i * freqs_step]);
    return a;
  }

  void run() const {
    const size_t per_batch = batches ? rows.count() / batches : 0;
    RopeAngles a = angles();
    std::shared_ptr<const RopeTable> table;
    for (size_t b = 0; b < batches; b++) {
      if (offsets) a.start = offsets->data[static_cast<int64_t>(b) * offsets->step];
      if (!table || (offsets && offsets->step != 0)) table = rope_table(a);
      turn(b * per_batch, per_batch, *table);
    }
  }

  void turn(size_t first, size_t count, const RopeTable& table) const {
    auto kernel = PICK_KERNEL(rope_row);
    const size_t n = rows.length(), dims = static_cast<size_t>(r.dims), half = dims / 2;
    parallel_for(count, std::max<size_t>(1, kElementsPerRange / n), [&](size_t begin, size_t end) {
      float* scratch = rows.is_dense() ? nullptr : scratch_floats<RowView>(n);
      for (size_t i = first + begin; i < first + end; i++) {
        const float* x = rows.row(i, scratch);
        float* y = target + i * n;
        const size_t t = i % length * half;
        kernel(x, &table.cosines[t], &table.sines[t], y, half, r.traditional);
        std::memcpy(y + dims, x + dims, (n - dims) * sizeof(float));
      }
    });
  }
};

void Rope::eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) {
  allocate(out);
  const mx::array& x = inputs[0];
  Job job{rotation_, RowView(x), out.data<float>(), static_cast<size_t>(x.shape(0)), static_cast<size_t>(x.shape(-2)),
          std::nullopt, nullptr, 0};
  if (rotation_.has_offsets) {
    const mx::array& offsets = inputs[1];
    job.offsets = Offsets{offsets.data<int32_t>(), offsets.size() == 1 ? 0 : offsets.strides(0)};
  }
  if (rotation_.has_freqs) {
    job.freqs = inputs.back().data<float>();
    job.freqs_step = inputs.back().strides(0);
  }
  if (out.size() == 0) return;
  enqueue([job = std::move(job)] { job.run(); });
}

// Everything else, mistakes included, is left to libmlx.
bool is_native(const mx::array& x, int dims, std::optional<float> base, const std::optional<mx::array>& freqs) {
  if (!use_native() || !is_plain_float32(x) || x.ndim() < 3) return false;
  if (dims <= 0 || dims % 2 != 0 || dims > x.shape(-1) || base.has_value() == freqs.has_value()) return false;
  return !freqs || (freqs->dtype() == mx::float32 && freqs->ndim() == 1 && freqs->shape(0) == dims / 2 &&
                    !freqs->is_tracer());
}

}  // namespace

mx::array rope(const mx::array& x, int dims, bool traditional, std::optional<float> base, float scale, int offset,
               const std::optional<mx::array>& freqs) {
  if (!is_native(x, dims, base, freqs)) return mx::fast::rope(x, dims, traditional, base, scale, offset, freqs);
  std::vector<mx::array> inputs{x};
  if (freqs) inputs.push_back(*freqs);
  const Rotation r{dims, traditional, base, scale, offset, false, freqs.has_value()};
  return mx::array(x.shape(), mx::float32, std::make_shared<Rope>(r), std::move(inputs));
}

mx::array rope(const mx::array& x, int dims, bool traditional, std::optional<float> base, float scale,
               const mx::array& offset, const std::optional<mx::array>& freqs) {
  const bool is_one_per_row = offset.ndim() <= 1 && (offset.size() == 1 || (offset.ndim() == 1 && x.ndim() > 0 && offset.shape(0) == x.shape(0)));
  const bool is_integer = mx::issubdtype(offset.dtype(), mx::integer);
  if (!is_native(x, dims, base, freqs) || !is_one_per_row || !is_integer || offset.is_tracer()) {
    return mx::fast::rope(x, dims, traditional, base, scale, offset, freqs);
  }
  std::vector<mx::array> inputs{x, offset.dtype() == mx::int32 ? offset : mx::astype(offset, mx::int32)};
  if (freqs) inputs.push_back(*freqs);
  const Rotation r{dims, traditional, base, scale, 0, true, freqs.has_value()};
  return mx::array(x.shape(), mx::float32, std::make_shared<Rope>(r), std::move(inputs));
}

}  // namespace abstractllm::cpu
