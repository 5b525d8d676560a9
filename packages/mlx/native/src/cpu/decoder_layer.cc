#include "decoder_layer.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "../huge_pages.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "layer_run.h"
#include "prepared_layer.h"
#include "quantized_rows.h"

namespace abstractllm::cpu {

// What a step keeps until it is computed.
using Held = std::shared_ptr<const std::vector<ArrayData>>;

namespace {

// From here on products take so long that the work between them does not matter, and its memory does.
constexpr int kMostRows = 32;

using Layers = std::vector<std::shared_ptr<const PreparedLayer>>;
// How rows of each layer are quantized.
using Formats = std::vector<std::optional<AffineFormat>>;

bool can_write(const mx::array& a) { return a.flags().row_contiguous && may_write(a); }

using Runs = std::vector<LayerRun>;

// Inputs: x, the layers' own inputs where they have some, then, unless `runs` know where they are, the buffers of each layer with
// a mixer, then what must be computed before.
class DecoderLayers : public CpuPrimitive {
 public:
  DecoderLayers(Layers layers, Formats formats, Held held, std::vector<RowSpan> spans, LayerPositions positions,
                bool have_inputs)
      : DecoderLayers(nullptr, std::move(held), std::move(spans), std::move(positions), have_inputs) {
    layers_ = std::move(layers), formats_ = std::move(formats);
  }

  DecoderLayers(std::shared_ptr<const Runs> runs, Held held, std::vector<RowSpan> spans, LayerPositions positions,
                bool have_inputs)
      : runs_(std::move(runs)), held_(std::move(held)), spans_(std::move(spans)), positions_(std::move(positions)),
        have_inputs_(have_inputs), rounding_(settings().rounding) {}

  const char* name() const override { return "CpuDecoderLayers"; }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder);
    allocate(out);
    RunForm form{static_cast<size_t>(x.shape(0)), static_cast<size_t>(x.shape(1)), rounding_, positions_};
    const float* own = nullptr;  // inputs of the layers
    size_t width = 0;
    if (have_inputs_) {
      own = row_contiguous(inputs[1], encoder).data<float>();
      width = static_cast<size_t>(inputs[1].shape(3));
      form.input_stride = static_cast<size_t>(inputs[1].shape(2)) * width;
    }
    encoder.dispatch([runs = runs_ ? runs_ : runs_over(inputs), spans = spans_, form, held = held_, from = x.data<float>(), own,
                      width, to = out.data<float>()] {
      TurnTables tables(form);
      const float* next = from;
      for (size_t i = 0; i < spans.size(); i++) {
        (*runs)[i].at(static_cast<int>(form.L), spans[i]).run(form, tables, next, own ? own + i * width : nullptr, to);
        next = to;
      }
    });
  }

 private:
  std::shared_ptr<const Runs> runs_over(const std::vector<mx::array>& inputs) const {
    Runs runs;
    size_t next = have_inputs_ ? 2 : 1;
    for (size_t i = 0; i < layers_.size(); i++) {
      if (!layers_[i]->has_mixer()) {
        runs.push_back({layers_[i], {}});
        continue;
      }
      const mx::array &first = inputs[next], &second = inputs[next + 1];
      next += 2;
      if (!can_write(first) || !can_write(second)) throw std::runtime_error("what a layer writes needs buffers of its own");
      runs.push_back(run_over(layers_[i], first, second, formats_[i]));
    }
    return std::make_shared<const Runs>(std::move(runs));
  }

  Layers layers_;
  Formats formats_;
  std::shared_ptr<const Runs> runs_;
  Held held_;
  std::vector<RowSpan> spans_;
  LayerPositions positions_;
  bool have_inputs_;
  Rounding rounding_;
};

// What a layer's buffers are for a batch of B.
struct RoomForm {
  std::optional<AffineFormat> format;
  int capacity;  // in positions

  // Whether the rows of L new positions are in them, and seen. Several in a window that not all see are those of one entry.
  bool fits(RowSpan span, int B, int L) const {
    if (capacity == kEndless) return true;
    if (span.window > 0 && span.end > span.window && B > 1 && L > 1) return false;
    const bool is_inside = span.start >= 0 && span.start <= capacity - L && span.end <= capacity && span.window >= 0;
    return is_inside && span.end >= span.start + L && (L == 1 || span.end == span.start + L);
  }

  static constexpr int kEndless = std::numeric_limits<int>::max();
};

// Of rows [B, K, 1, D] of keys and values.
std::optional<RoomForm> attention_form(const CacheRoom& room, const mx::Shape& keys, const mx::Shape& values) {
  const mx::array &of_keys = room.first, &of_values = room.second;
  if (of_keys.ndim() != 4 || of_values.ndim() != 4) return std::nullopt;
  RoomForm form{std::nullopt, std::min(of_keys.shape(2), of_values.shape(2))};
  bool fits = false;
  if (room.bits == 0) {
    fits = fits_buffer(of_keys, keys, mx::float32, 0) && fits_buffer(of_values, values, mx::float32, 0) &&
           of_keys.dtype() == of_values.dtype();
  } else {
    form.format = affine_format(room.group, room.bits, keys[3], of_keys.shape(3));
    const auto format = affine_format(room.group, room.bits, values[3], of_values.shape(3));
    fits = form.format && form.format == format && fits_buffer(of_keys, keys, *form.format, 0) &&
           fits_buffer(of_values, values, *form.format, 0);
  }
  return fits ? std::optional(form) : std::nullopt;
}

std::optional<RoomForm> recurrent_form(const CacheRoom& room, const mx::Shape& past, const mx::Shape& state) {
  const bool fits = is_plain_float32(room.first) && is_plain_float32(room.second) && room.bits == 0 &&
                    room.first.shape() == past && room.second.shape() == state;
  return fits ? std::optional(RoomForm{std::nullopt, RoomForm::kEndless}) : std::nullopt;
}

using Rooms = std::vector<const CacheRoom*>;

// That of each layer, null where it has no mixer; nothing where there are more or fewer.
std::optional<Rooms> rooms_by_layer(const Layers& layers, const std::vector<CacheRoom>& rooms) {
  Rooms by_layer;
  size_t next = 0;
  for (const auto& layer : layers) {
    if (layer->has_mixer() && next == rooms.size()) return std::nullopt;
    by_layer.push_back(layer->has_mixer() ? &rooms[next++] : nullptr);
  }
  return next == rooms.size() ? std::optional(std::move(by_layer)) : std::nullopt;
}

// Nothing where the buffers do not fit.
std::optional<RoomForm> room_form(const CacheRoom* of_layer, int B, const PreparedLayer& l) {
  if (!of_layer) return RoomForm{std::nullopt, RoomForm::kEndless};
  const CacheRoom& room = *of_layer;
  const auto size = [](size_t n) { return static_cast<int>(n); };
  if (const PreparedDelta* d = l.delta()) {
    return recurrent_form(room, {B, size(d->W - 1), size(d->channels())}, {B, size(d->H), size(d->V), size(d->D)});
  }
  if (const PreparedMamba* m = l.mamba()) {
    return recurrent_form(room, {B, size(m->W - 1), size(m->channels())}, {B, size(m->H), size(m->P), size(m->N)});
  }
  if (const PreparedConv* c = l.conv()) {
    const mx::Shape past{B, size(c->W - 1), size(c->C)};
    return recurrent_form(room, past, past);
  }
  if (const PreparedLatent* a = l.latent()) {
    if (a->is_absorbed() && room.bits != 0) return std::nullopt;
    if (a->is_absorbed()) return attention_form(room, {B, 1, 1, size(a->R)}, {B, 1, 1, size(a->turned)});
    return attention_form(room, {B, size(a->H), 1, size(a->D())}, {B, size(a->H), 1, size(a->V)});
  }
  const PreparedAttention& a = *l.attention();
  return attention_form(room, {B, size(a.K), 1, size(a.D)}, {B, size(a.K), 1, size(a.value_dims)});
}

bool are_positions(const LayerPositions& p, int B, int L, const std::vector<RowSpan>& spans) {
  const size_t count = static_cast<size_t>(B);
  if (p.turns.size() != 1 && p.turns.size() != count) return false;
  if (p.first.empty()) return true;
  return L == 1 && p.first.size() == count && std::all_of(p.first.begin(), p.first.end(), [&](int first) {
    return first >= 0 && std::all_of(spans.begin(), spans.end(), [&](RowSpan span) { return first < span.end; });
  });
}

// Whether layers get as much as they ask for.
bool do_inputs_fit(const std::optional<mx::array>& inputs, const mx::array& x, const Layers& layers) {
  const bool are_asked_for = std::any_of(layers.begin(), layers.end(), [](const auto& l) { return l->input.has_value(); });
  if (!inputs) return !are_asked_for;
  if (!is_plain_float32(*inputs) || inputs->ndim() != 4) return false;
  const bool fits = inputs->shape(0) == x.shape(0) && inputs->shape(1) == x.shape(1) &&
                    static_cast<size_t>(inputs->shape(2)) == layers.size();
  return fits && std::all_of(layers.begin(), layers.end(), [&](const auto& l) {
           return !l->input || static_cast<int>(l->input->gate.N) == inputs->shape(3);
         });
}

bool are_rows(const mx::array& x) {
  return use_native() && is_plain_float32(x) && x.ndim() == 3 && x.size() > 0 &&
         x.shape(0) * int64_t{x.shape(1)} <= kMostRows;
}

}  // namespace

// Layers and the buffers of their keys and values.
class BoundLayers {
 public:
  // Null where some of the buffers are not computed, or do not fit.
  static std::shared_ptr<const BoundLayers> bind(const Layers& layers, const std::vector<CacheRoom>& rooms) {
    const auto by_layer = rooms_by_layer(layers, rooms);
    if (!by_layer || rooms.empty() || rooms[0].first.ndim() == 0) return nullptr;
    auto bound = std::make_shared<BoundLayers>();
    bound->B_ = rooms[0].first.shape(0);
    Runs runs;
    for (size_t i = 0; i < layers.size(); i++) {
      const CacheRoom* room = (*by_layer)[i];
      const auto form = room_form(room, bound->B_, *layers[i]);
      if (!form || layers[i]->E != layers[0]->E) return nullptr;
      bound->forms_.push_back(*form);
      if (!room) {
        runs.push_back({layers[i], {}});
        continue;
      }
      if (!is_ready(room->first) || !is_ready(room->second)) return nullptr;
      runs.push_back(run_over(layers[i], room->first, room->second, form->format));
      bound->buffers_.insert(bound->buffers_.end(), {room->first.data_shared_ptr(), room->second.data_shared_ptr()});
    }
    bound->layers_ = layers;
    bound->runs_ = std::make_shared<const Runs>(std::move(runs));
    return bound;
  }

  std::optional<mx::array> forward(const mx::array& x, std::vector<RowSpan> spans, LayerPositions positions,
                                   const std::vector<mx::array>& after, const std::optional<mx::array>& layer_inputs) const {
    if (!are_rows(x) || x.shape(0) != B_ || static_cast<size_t>(x.shape(2)) != runs_->front().layer->E) return std::nullopt;
    if (spans.size() != runs_->size() || !are_positions(positions, B_, x.shape(1), spans)) return std::nullopt;
    for (size_t i = 0; i < spans.size(); i++) {
      if (!forms_[i].fits(spans[i], B_, x.shape(1))) return std::nullopt;
    }
    if (!do_inputs_fit(layer_inputs, x, layers_)) return std::nullopt;
    Held held = hold();
    if (!held) return std::nullopt;
    std::vector<mx::array> inputs{x};
    if (layer_inputs) inputs.push_back(*layer_inputs);
    inputs.insert(inputs.end(), after.begin(), after.end());
    return mx::array(x.shape(), mx::float32,
                     std::make_shared<DecoderLayers>(runs_, std::move(held), std::move(spans), std::move(positions),
                                                     layer_inputs.has_value()),
                     std::move(inputs));
  }

 private:
  static bool is_ready(const mx::array& a) { return a.is_available() && can_write(a); }

  // Keeps all that is pointed to; null where some of it is gone. While the last step runs, that one does already.
  Held hold() const {
    if (Held latest = latest_.lock()) return latest;
    std::vector<ArrayData> held;
    for (const LayerRun& run : *runs_) {
      if (!run.layer->hold(held)) return nullptr;
    }
    for (const auto& buffer : buffers_) {
      held.push_back(buffer.lock());
      if (!held.back()) return nullptr;
    }
    Held all = std::make_shared<const std::vector<ArrayData>>(std::move(held));
    latest_ = all;
    return all;
  }

  int B_ = 0;
  Layers layers_;
  std::shared_ptr<const Runs> runs_;
  std::vector<RoomForm> forms_;
  std::vector<std::weak_ptr<mx::allocator::Data>> buffers_;
  mutable std::weak_ptr<const std::vector<ArrayData>> latest_;
};

std::shared_ptr<const PreparedLayer> prepare_decoder_layer(const DecoderLayerParts& parts, const LayerTurn& turn) {
  return use_native() ? read_layer(parts, turn) : nullptr;
}

std::optional<mx::array> decoder_layers(const Layers& layers, const mx::array& x, const std::vector<CacheRoom>& rooms,
                                        std::vector<RowSpan> spans, LayerPositions positions,
                                        const std::vector<mx::array>& after, const std::optional<mx::array>& layer_inputs) {
  const auto by_layer = rooms_by_layer(layers, rooms);
  if (!are_rows(x) || layers.empty() || !by_layer || layers.size() != spans.size()) return std::nullopt;
  if (!are_positions(positions, x.shape(0), x.shape(1), spans)) return std::nullopt;
  if (!do_inputs_fit(layer_inputs, x, layers)) return std::nullopt;
  std::vector<ArrayData> held;
  Formats formats;
  std::vector<mx::array> inputs{x};
  if (layer_inputs) inputs.push_back(*layer_inputs);
  for (size_t i = 0; i < layers.size(); i++) {
    const PreparedLayer& layer = *layers[i];
    const CacheRoom* room = (*by_layer)[i];
    const auto form = room_form(room, x.shape(0), layer);
    const bool fits =
        form && form->fits(spans[i], x.shape(0), x.shape(1)) && static_cast<size_t>(x.shape(2)) == layer.E && layer.hold(held);
    if (!fits) return std::nullopt;
    formats.push_back(form->format);
    if (room) inputs.insert(inputs.end(), {room->first, room->second});
  }
  inputs.insert(inputs.end(), after.begin(), after.end());
  auto node = std::make_shared<DecoderLayers>(layers, std::move(formats),
                                              std::make_shared<const std::vector<ArrayData>>(std::move(held)),
                                              std::move(spans), std::move(positions), layer_inputs.has_value());
  return mx::array(x.shape(), mx::float32, std::move(node), std::move(inputs));
}

std::shared_ptr<const BoundLayers> bind_decoder_layers(const Layers& layers, const std::vector<CacheRoom>& rooms) {
  return BoundLayers::bind(layers, rooms);
}

std::optional<mx::array> decoder_layers(const BoundLayers& layers, const mx::array& x, std::vector<RowSpan> spans,
                                        LayerPositions positions, const std::vector<mx::array>& after,
                                        const std::optional<mx::array>& layer_inputs) {
  return layers.forward(x, std::move(spans), std::move(positions), after, layer_inputs);
}

}  // namespace abstractllm::cpu
