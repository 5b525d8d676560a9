import { expect, it } from "vitest";
import { rowDifference, TOLERANCE } from "./compare-logits.ts";
import { type ForeignLayer, logitsOf, randomWeights, type Tensors, tensorsOf } from "./foreign-model.ts";
import { decodeBytes, decodeFloats, readGolden } from "./golden.ts";
import type { StoredArray } from "./stored-array.ts";

const EXPERTS = [0, 1, 2];

const layers = readGolden<{ cases: ForeignLayer[] }>("foreign-quantization.json").cases.filter(({ name }) =>
  name.endsWith(", nvfp4"),
);

const times = (base64: string, by: number): string =>
  Buffer.from(decodeFloats(base64).map((value) => value * by).buffer).toString("base64");

/** A layer `[32, 128]` as one of other sizes, all of its weights times `factor`. */
const varied = (layer: ForeignLayer, [N, K]: readonly [number, number], factor: number): ForeignLayer => {
  const changes: Readonly<Record<string, number>> = {
    weight_scale_2: factor,
    weight_global_scale: 1 / factor,
  };
  const vary = (part: string, { shape, data, dtype }: StoredArray): StoredArray => {
    const change = changes[part];
    if (change !== undefined) return { shape, data: times(data, change), dtype };
    return { shape: [N, ((shape[1] ?? 0) * K) / 128], data, dtype };
  };
  const tensors = Object.entries(layer.tensors).map(([part, stored]) => [part, vary(part, stored)]);
  return {
    ...layer,
    shape: [N, K],
    tensors: Object.fromEntries(tensors),
    dense: times(layer.dense, factor),
  };
};

/** Gates, ups and downs of each expert. */
const expertsOf = (layer: ForeignLayer): ForeignLayer[][] =>
  EXPERTS.map((expert) => [
    varied(layer, [32, 128], expert + 1),
    varied(layer, [32, 128], 2 / (expert + 1)),
    varied(layer, [128, 32], 0.5 + expert),
  ]);

const QWEN = {
  model_type: "qwen3_moe",
  hidden_size: 128,
  num_hidden_layers: 1,
  intermediate_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  head_dim: 8,
  rms_norm_eps: 1e-5,
  vocab_size: 32,
  rope_theta: 10000,
  max_position_embeddings: 128,
  tie_word_embeddings: true,
  num_experts: EXPERTS.length,
  num_experts_per_tok: 2,
  moe_intermediate_size: 32,
  decoder_sparse_step: 1,
  mlp_only_layers: [],
  norm_topk_prob: true,
};

const QWEN_SHAPES = {
  "model.embed_tokens": [32, 128],
  "model.layers.0.input_layernorm": [128],
  "model.layers.0.post_attention_layernorm": [128],
  "model.layers.0.self_attn.q_proj": [32, 128],
  "model.layers.0.self_attn.k_proj": [32, 128],
  "model.layers.0.self_attn.v_proj": [32, 128],
  "model.layers.0.self_attn.o_proj": [128, 32],
  "model.layers.0.self_attn.q_norm": [8],
  "model.layers.0.self_attn.k_norm": [8],
  "model.layers.0.mlp.gate": [3, 128],
  "model.norm": [128],
};

it.each(layers)("loads experts one by one: $name", async (layer) => {
  const names = ["gate_proj", "up_proj", "down_proj"];
  const experts = (isStored: boolean): Tensors =>
    Object.assign(
      {},
      ...expertsOf(layer).flatMap((parts, expert) =>
        parts.map((part, i) => tensorsOf(part, `model.layers.0.mlp.experts.${expert}.${names[i]}`, isStored)),
      ),
    );
  const logits = (isStored: boolean) =>
    logitsOf(
      { ...QWEN, quantization_config: isStored ? layer.config : undefined },
      { ...randomWeights(QWEN_SHAPES), ...experts(isStored) },
    );
  expect(rowDifference(await logits(true), await logits(false))).toBeLessThan(TOLERANCE);
});

const MUSE = {
  model_type: "muse_spark",
  text_config: {
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    num_hidden_layers: 1,
    vocab_size: 32,
    rms_norm_eps: 1e-5,
    post_norm_eps: 1e-6,
    rope_parameters: { rope_theta: 10000 },
    layer_rope_theta: [10000],
    layer_types: ["full_attention"],
    sliding_window: 4,
    final_logit_softcapping: 5,
    output_multiplier: 0.5,
    num_local_experts: EXPERTS.length,
    num_experts_per_tok: 2,
    moe_hidden_size: 128,
    moe_intermediate_size: 32,
  },
};

const LAYER = "model.language_model.layers.0";
const MUSE_SHAPES = {
  lm_head: [32, 64],
  "model.language_model.embed_tokens": [32, 64],
  "model.language_model.norm": [64],
  [`${LAYER}.input_layernorm`]: [64],
  [`${LAYER}.pre_feedforward_layernorm`]: [64],
  [`${LAYER}.post_feedforward_layernorm`]: [64],
  [`${LAYER}.self_attn.q_proj`]: [64, 64],
  [`${LAYER}.self_attn.k_proj`]: [32, 64],
  [`${LAYER}.self_attn.v_proj`]: [32, 64],
  [`${LAYER}.self_attn.gate_proj`]: [64, 64],
  [`${LAYER}.self_attn.o_proj`]: [64, 64],
  [`${LAYER}.mlp.gate`]: [3, 64],
  [`${LAYER}.mlp.pre_expert_proj`]: [128, 64],
  [`${LAYER}.mlp.pre_expert_norm`]: [128],
  [`${LAYER}.mlp.post_expert_proj`]: [64, 128],
  [`${LAYER}.mlp.experts.post_expert_norm`]: [128],
};

const zeros = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)),
});

const joined = (parts: readonly string[]): Uint8Array => Buffer.concat(parts.map(decodeBytes));

/** Stacks of experts under ModelOpt's names, stored or dense. */
const stacksOf = (layer: ForeignLayer, isStored: boolean): Tensors => {
  const experts = expertsOf(layer);
  const stack = (name: string, [first, end]: readonly [number, number], shape: readonly number[]) => {
    const parts = experts.flatMap((all) => all.slice(first, end));
    const key = `${LAYER}.mlp.experts.${name}`;
    const count = EXPERTS.length;
    const [N = 0, K = 0] = shape;
    if (!isStored) return { [key]: { shape: [count, N, K], data: joined(parts.map(({ dense }) => dense)) } };
    const bytes = (part: string) => joined(parts.map(({ tensors }) => tensors[part]?.data ?? ""));
    const factors = end - first === 1 ? [count] : [count, end - first];
    return {
      [key]: { shape: [count, N, K / 2], data: bytes("weight"), dtype: "U8" },
      [`${key}_weight_scale`]: { shape: [count, N, K / 16], data: bytes("weight_scale"), dtype: "U8" },
      [`${key}_weight_scale_2`]: { shape: factors, data: bytes("weight_scale_2") },
      [`${key}_input_scale`]: zeros(1),
    };
  };
  return { ...stack("gate_up_proj", [0, 2], [64, 128]), ...stack("down_proj", [2, 3], [128, 32]) };
};

it.each(layers.filter(({ config }) => config.quant_method === "modelopt"))(
  "loads stacks of experts: $name",
  async (layer) => {
    const logits = (isStored: boolean) =>
      logitsOf(
        { ...MUSE, quantization_config: isStored ? layer.config : undefined },
        {
          ...randomWeights(MUSE_SHAPES),
          [`${LAYER}.mlp.gate.e_score_correction_bias`]: zeros(3),
          [`${LAYER}.post_attention_residual_gate.gate`]: zeros(64),
          [`${LAYER}.post_feedforward_residual_gate.gate`]: zeros(64),
          ...stacksOf(layer, isStored),
        },
      );
    expect(rowDifference(await logits(true), await logits(false))).toBeLessThan(TOLERANCE);
  },
);
