/** Rules that many architectures have. */
import { drop, map, rename, splitInto, stackExperts } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";

/** Precomputed rotary frequencies that old checkpoints carry. */
export const dropRotaryTables = drop<unknown>(/self_attn\.rotary_emb\.inv_freq/);

/** The output layer that some checkpoints of always tied models carry. */
export const dropHead = drop<unknown>(/^lm_head\./);

/** The output layer of a checkpoint whose model ties it to the embedding. */
export const dropTiedHead = drop<{ readonly tie_word_embeddings: boolean }>(
  /^lm_head\./,
  (c) => c.tie_word_embeddings,
);

/** Experts as transformers saves them: `mlp.experts.7.up_proj`. */
export const stackNamedExperts = stackExperts(
  /mlp\.experts\.(?<expert>\d+)\.(?<layer>gate_proj|up_proj|down_proj)\./,
  "mlp.switch_mlp.$<layer>.",
);

/** Experts that come in one tensor a layer, gate and up behind each other: `experts.gate_up_proj`. */
export const splitJoinedExperts = [
  splitInto<unknown>(/experts\.gate_up_proj$/, ["switch_mlp.gate_proj.weight", "switch_mlp.up_proj.weight"], {
    axis: 1,
  }),
  rename<unknown>(/experts\.down_proj$/, "switch_mlp.down_proj.weight"),
];

/** Those experts for models whose stacks go by their name: `mlp.experts.up_proj`. */
export const stackExpertsInPlace = stackExperts(
  /mlp\.experts\.(?<expert>\d+)\.(?<layer>gate_proj|up_proj|down_proj)\./,
  "mlp.experts.$<layer>.",
);

/** Experts of a mixture called `feed_forward`. */
export const stackFeedForwardExperts = stackExperts(
  /feed_forward\.experts\.(?<expert>\d+)\.(?<layer>gate_proj|up_proj|down_proj)\./,
  "feed_forward.switch_mlp.$<layer>.",
);

/** Experts as Mixtral saves them: `block_sparse_moe.experts.7.w1`. */
export const stackMixtralExperts = [
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w1\./, "moe.switch_mlp.gate_proj."),
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w2\./, "moe.switch_mlp.down_proj."),
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w3\./, "moe.switch_mlp.up_proj."),
];

/** Depthwise convolutions, whose channels PyTorch puts before positions. */
export const moveConvChannels = map<unknown>(
  /conv1d\.weight/,
  [transposed(0, 2, 1)],
  (shape) => shape.at(-1) !== 1,
);
