/** What fits Muse Spark's checkpoints to the model: gates become weights, queries and keys move, experts unfold. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { NVFP4_LARGEST } from "../nn/index.ts";
import {
  concatenateInto,
  derive,
  drop,
  map,
  rename,
  type SanitizeRule,
  splitInto,
  whenPresent,
} from "./sanitize-rules.ts";
import {
  added,
  cast,
  computed,
  multiplied,
  reshaped,
  squeezed,
  transposed,
  viewed,
} from "./tensor-change.ts";

interface Heads {
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
}

interface Config {
  readonly text_config: Heads;
}

/** What a fixed gate leaves of the stream; `beta` lets the branch in. */
const openness = (gate: MxArray): MxArray => gate.astype(mx.float32).divide(0.3);
const beta = computed("sigmoid(gate / 0.3)", (gate) => mx.sigmoid(openness(gate)));
const alpha = computed("sqrt(max(1 - beta ** 2, 1e-3))", (gate) => {
  const w = openness(gate);
  const rest = mx.multiply(mx.sigmoid(mx.negative(w)), mx.sigmoid(w).add(1));
  return mx.sqrt(mx.clip(rest, 1e-3));
});

const gain = [cast(mx.float32), added(1), cast(mx.bfloat16)];
const zeroCentered =
  /(input_layernorm|pre_feedforward_layernorm|post_feedforward_layernorm|pre_expert_norm|post_expert_norm)\.weight$/;

/** Rows for pairs of halves to rows for pairs of neighbours. */
const interleaved =
  (heads: (c: Heads) => number) =>
  ({ text_config: c }: Config) => [
    reshaped(heads(c), 2, c.head_dim / 2, -1),
    transposed(0, 2, 1, 3),
    reshaped(heads(c) * c.head_dim, -1),
  ];

const fromGate = (branch: string, name: string) => {
  const gate = new RegExp(`post_${branch}_residual_gate\\.gate$`);
  return [
    derive(gate, `add_${name}_alpha`, [alpha]),
    derive(gate, `add_${name}_beta`, [beta]),
    drop<Config>(gate),
  ];
};

/** Experts' gates and ups, one behind the other along the second axis. */
const splitExperts = (pattern: RegExp, part: string) =>
  splitInto<Config>(pattern, [`experts.gate_proj.${part}`, `experts.up_proj.${part}`], { axis: 1 });

/** Experts as ModelOpt packs them; gates and ups have a factor each. */
const unpackNvfp4 = [
  map<Config>(/experts\.(gate_up|down)_proj$/, [viewed(mx.uint32)], (_, __, { name }) => name === "uint8"),
  splitExperts(/experts\.gate_up_proj_weight_scale$/, "scales"),
  rename<Config>(/experts\.down_proj_weight_scale$/, "experts.down_proj.scales"),
  map<Config>(/experts\.(gate_up|down)_proj_weight_scale_2$/, [multiplied(NVFP4_LARGEST)]),
  splitExperts(/experts\.gate_up_proj_weight_scale_2$/, "global_scale"),
  map<Config>(/experts\.(gate|up)_proj\.global_scale$/, [squeezed(1)]),
  rename<Config>(/experts\.down_proj_weight_scale_2$/, "experts.down_proj.global_scale"),
  drop<Config>(/experts\.(gate_up|down)_proj_input_scale$/),
];

export const rules: readonly SanitizeRule<Config>[] = [
  drop(/^model\.(audio_tower|vision_tower|vision_adapter|vision_projection)\./),
  whenPresent(/residual_gate\.gate$/, [
    ...fromGate("attention", "attn"),
    ...fromGate("feedforward", "ffn"),
    map(zeroCentered, gain),
    ...unpackNvfp4,
    splitExperts(/experts\.gate_up_proj$/, "weight"),
    rename(/experts\.down_proj$/, "experts.down_proj.weight"),
  ]),
  map(
    /self_attn\.q_proj\.(weight|scales|biases)$/,
    interleaved((c) => c.num_attention_heads),
  ),
  map(
    /self_attn\.k_proj\.(weight|scales|biases)$/,
    interleaved((c) => c.num_key_value_heads),
  ),
  concatenateInto(/(?<=self_attn\.)(?<part>q|k|v|gate)_proj/, "qkvg_proj", ["q", "k", "v", "gate"]),
];
