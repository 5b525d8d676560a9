/** What a row of the table says of one GGUF architecture, and what many rows share. */
import type { SanitizeRule } from "../../models/index.ts";
import type { GgufFields } from "./gguf-fields.ts";

/** A config as Hugging Face has it. */
export type GgufConfig = Readonly<Record<string, unknown>>;

/**
 * Where the value of a config key comes from: a metadata key, without the architecture in front, whose number must be
 * there or may be absent when it ends in `?`; or a function of all fields.
 */
export type GgufKey = string | ((fields: GgufFields) => unknown);

/** How GGUF names and stores one architecture. */
export interface GgufRow {
  /** `model_type` of the Hugging Face config. */
  readonly modelType: string;
  readonly config: Readonly<Record<string, GgufKey>>;
  /** Whether the config has these keys under `text_config`. Default false. */
  readonly isNested?: boolean;
  /**
   * GGUF stem, `blk.N.` taken off, to the parameter within a layer. A stem with its kind, such as `ssm_dt.bias`, or
   * with a dot for a tensor without one, such as `ssm_a.`, gives the whole name; null leaves the tensor out.
   */
  readonly tensors: Readonly<Record<string, string | null>>;
  /** The same outside the layers. Default: Llama's names. */
  readonly top?: Readonly<Record<string, string | null>>;
  /** What layers are called. Default `model.layers`. */
  readonly layers?: string;
  /** Scalar parameters that files keep as metadata: the name within a layer, and one number per layer. */
  readonly scalars?: (fields: GgufFields) => Readonly<Record<string, readonly number[]>>;
  /** Undoes what llama.cpp's converter changes. */
  readonly rules?: readonly SanitizeRule<GgufConfig>[];
  /** Stems whose quantized blocks are unpacked, because a rule moves values within rows. */
  readonly unpacked?: readonly string[];
}

/** A number of the config. */
export const sizeOf = (config: GgufConfig, key: string): number => Number(config[key]);

/** Always this value. */
export const always = (value: unknown) => () => value;

/** Whether some layer has the tensor. */
export const has = (stem: string) => (fields: GgufFields) => fields.hasLayerTensor(stem);

/** Layers of the model itself: those behind the last one predict further tokens. */
export const layerCount = (f: GgufFields): number =>
  f.count("block_count") - (f.optionalCount("nextn_predict_layers") ?? 0);

/** Features of one head. */
export const headDim = (f: GgufFields): number => {
  const given = f.optionalCount("attention.key_length");
  const dims = given ?? f.count("embedding_length") / f.count("attention.head_count");
  if (!Number.isInteger(dims)) return f.fail("attention.head_count", "a divisor of the embedding length");
  const values = f.optionalCount("attention.value_length") ?? dims;
  return values === dims ? dims : f.fail("attention.value_length", `${dims}, the length of a key`);
};

/** Features of a head that turn. */
export const ropeDims = (f: GgufFields): number => {
  const dims = headDim(f);
  const turned = f.optionalCount("rope.dimension_count") ?? dims;
  return turned % 2 === 0 && turned <= dims
    ? turned
    : f.fail("rope.dimension_count", `even and at most ${dims}`);
};

/** The rotary base of a model that turns whole heads. */
const wholeHeadBase = (f: GgufFields): number => {
  if (ropeDims(f) !== headDim(f)) f.fail("rope.dimension_count", `${headDim(f)}, a whole head`);
  return ropeBase(f);
};

export const ropeBase = (f: GgufFields): number => f.number("rope.freq_base") ?? 10_000;

/** Heads of a model whose heads share its width. */
const headsOfWidth = (f: GgufFields): number => {
  const [heads, width] = [f.count("attention.head_count"), f.count("embedding_length")];
  return headDim(f) === width / heads
    ? heads
    : f.fail("attention.key_length", `${width / heads}, the embedding length by heads`);
};

const keyHeads = (f: GgufFields): number =>
  f.optionalCount("attention.head_count_kv") ?? f.count("attention.head_count");

const vocabSize = (f: GgufFields): number =>
  f.tensor("token_embd.weight")?.shape[0] ?? f.missing("token_embd.weight");

/** The width of a feed-forward layer, as its tensors have it. */
export const widthOf = (...stems: readonly string[]) => {
  return (f: GgufFields): number | undefined => f.layerTensor(...stems)?.shape.at(-2);
};

/** Features of one expert. */
export const expertWidth = (f: GgufFields): number | undefined => {
  const fused = f.layerTensor("ffn_gate_up_exps.weight")?.shape.at(-2);
  return fused === undefined ? widthOf("ffn_up_exps.weight")(f) : fused / 2;
};

/** Features of what all tokens go through beside the experts. */
export const sharedWidth = widthOf("ffn_up_shexp.weight");

/** `sliding_attention` or `full_attention` by layer, where the file says it. */
export const layerTypes = (f: GgufFields): string[] | undefined =>
  f
    .flags("attention.sliding_window_pattern")
    ?.slice(0, layerCount(f))
    .map((slides) => (slides ? "sliding_attention" : "full_attention"));

/** Keys of a decoder whose heads share its width. */
export const decoder: GgufRow["config"] = {
  hidden_size: "embedding_length",
  num_hidden_layers: layerCount,
  intermediate_size: "feed_forward_length",
  num_attention_heads: headsOfWidth,
  num_key_value_heads: keyHeads,
  rms_norm_eps: "attention.layer_norm_rms_epsilon",
  vocab_size: vocabSize,
  max_position_embeddings: "context_length?",
  rope_theta: wholeHeadBase,
  tie_word_embeddings: (f) => f.tensor("output.weight") === undefined,
};

/** Keys of a decoder that says how large a head is. */
export const headed: GgufRow["config"] = {
  ...decoder,
  num_attention_heads: "attention.head_count",
  head_dim: headDim,
};

/** What turns but a part of each head. */
export const partialRope: GgufRow["config"] = {
  rope_theta: ropeBase,
  partial_rotary_factor: (f) => ropeDims(f) / headDim(f),
};

/** The epsilon of norms, which converters write under either name. */
export const normEps = (f: GgufFields): number =>
  f.number("attention.layer_norm_epsilon") ?? f.required("attention.layer_norm_rms_epsilon");

/** The epsilon of norms under the name that a model has for it. */
export const layerNorm = (key = "layer_norm_eps"): GgufRow["config"] => ({
  rms_norm_eps: always(undefined),
  [key]: normEps,
});

/** Biases of Llama's layers. */
export const llamaBiases: GgufRow["config"] = {
  attention_bias: has("attn_q.bias"),
  mlp_bias: has("ffn_up.bias"),
};

/** How many experts there are, and how many answer. */
export const experts = (
  count = "num_experts",
  used = "num_experts_per_tok",
  width = "moe_intermediate_size",
): GgufRow["config"] => ({
  [count]: "expert_count",
  [used]: "expert_used_count",
  [width]: expertWidth,
});

export const topTensors = { token_embd: "model.embed_tokens", output_norm: "model.norm", output: "lm_head" };

export const attentionTensors = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
};

export const mlpTensors = {
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

export const llamaTensors = { ...attentionTensors, ...mlpTensors, ffn_norm: "post_attention_layernorm" };

export const headNormTensors = { attn_q_norm: "self_attn.q_norm", attn_k_norm: "self_attn.k_norm" };

/** Norms before a layer's halves, the second of which goes by the name of a norm after the first. */
export const postAttentionTensors = { post_attention_norm: "post_attention_layernorm" };

/** Experts and their gate. */
export const expertTensors = (mlp = "mlp", stack = `${mlp}.switch_mlp`): Record<string, string> => ({
  ffn_gate_inp: `${mlp}.gate`,
  ffn_gate_exps: `${stack}.gate_proj`,
  ffn_up_exps: `${stack}.up_proj`,
  ffn_down_exps: `${stack}.down_proj`,
  ffn_gate_up_exps: `${stack}.gate_up_proj`,
});

/** The expert that always answers. */
export const sharedTensors = (name = "mlp.shared_experts"): Record<string, string> => ({
  ffn_gate_shexp: `${name}.gate_proj`,
  ffn_up_shexp: `${name}.up_proj`,
  ffn_down_shexp: `${name}.down_proj`,
});

export const correctionTensor = { "exp_probs_b.bias": "mlp.gate.e_score_correction_bias" };
