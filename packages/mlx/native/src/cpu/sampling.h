// Drawing tokens: what mlx composes from sorts and scans of the whole vocabulary, in one pass each.
#pragma once

#include <optional>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

// Logits [..., V] with all but the likeliest, whose probabilities together reach `top_p`, at minus infinity.
mx::array top_p(const mx::array& logits, double top_p);

// One index per row, drawn with probability softmax(logits) along `axis`: those that mx::random::categorical draws.
mx::array categorical(const mx::array& logits, int axis, const std::optional<mx::array>& key);

}  // namespace abstractllm::cpu
