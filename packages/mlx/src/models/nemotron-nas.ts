/** Llama whose layers were searched: each with heads and widths of its own, without a branch, or with a linear map for one. @see mlx-lm 0.32.2 models/nemotron-nas.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { KVCache, type LayerCache, noCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { gelu, geluApprox, Linear, Module, relu, silu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, parseConfig, record } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";

const activations = { silu, relu, gelu, gelu_new: geluApprox, gelu_fast: geluApprox };

const config = {
  hidden_size: int.default(8192),
  num_hidden_layers: int.default(80),
  num_attention_heads: int.default(64),
  rms_norm_eps: number.default(1e-5),
  vocab_size: int.default(128256),
  /** Per layer what its attention and its MLP are. */
  block_configs: list(record.required()).default([]),
  hidden_act: oneOf("silu", "relu", "gelu", "gelu_new", "gelu_fast").default("silu"),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.default(500000),
  rope_scaling: record.optional(),
  max_position_embeddings: int.default(131072),
  tie_word_embeddings: bool.default(false),
  num_key_value_heads: int.optional(), // block_configs says it
  intermediate_size: int.optional(), // likewise
};
type Config = Infer<typeof config>;

const blockSchema = { attention: record.default({}), ffn: record.default({}) };
const branchSchema = { no_op: bool.default(false), replace_with_linear: bool.default(false) };

/** A branch of the searched network: its settings, or what stands in for it. */
const readBlock = (raw: Readonly<Record<string, unknown>> = {}) => {
  const { attention, ffn } = parseConfig(blockSchema, raw).config;
  return {
    attention: parseConfig({ ...branchSchema, n_heads_in_group: int.optional() }, attention).config,
    ffn: parseConfig({ ...branchSchema, ffn_mult: number.optional() }, ffn).config,
  };
};

/** A linear map in place of a branch. */
class LinearBranch extends Module {
  linear: Linear;

  constructor(dims: number, bias: boolean) {
    super();
    this.linear = new Linear(dims, dims, bias);
  }

  forward(x: MxArray): MxArray {
    return this.linear.forward(x); // [B, L, E]
  }
}

const needs = (key: string, layer: number): never => {
  throw new ConfigError(`config.json: block_configs[${layer}] needs ${key}`);
};

const makeAttention = (c: Config, layer: number): SelfAttention | LinearBranch | undefined => {
  const { no_op, replace_with_linear, n_heads_in_group } = readBlock(c.block_configs[layer]).attention;
  if (no_op) return undefined;
  if (replace_with_linear) return new LinearBranch(c.hidden_size, c.attention_bias);
  const group = n_heads_in_group || needs("attention.n_heads_in_group", layer);
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const heads = { ...c, num_key_value_heads: Math.floor(c.num_attention_heads / group) };
  return new SelfAttention(heads, { rope, bias: c.attention_bias });
};

/** Two thirds of the multiple of the width, rounded up to a multiple of 256. */
const hiddenDims = (multiple: number, dims: number): number => {
  const rounded = Math.round(multiple * 1e6) / 1e6;
  return Math.ceil(Math.trunc((2 * rounded * dims) / 3) / 256) * 256;
};

const makeMLP = (c: Config, layer: number): FeedForward | undefined => {
  const { no_op, replace_with_linear, ffn_mult } = readBlock(c.block_configs[layer]).ffn;
  if (no_op) return undefined;
  if (replace_with_linear) return new LinearBranch(c.hidden_size, c.mlp_bias);
  const F = hiddenDims(ffn_mult ?? needs("ffn.ffn_mult", layer), c.hidden_size);
  return new GatedMLP(c.hidden_size, F, { bias: c.mlp_bias, activation: activations[c.hidden_act] });
};

class Block extends Module {
  declare input_layernorm?: Norm;
  declare self_attn?: SelfAttention | LinearBranch;
  declare post_attention_layernorm?: Norm;
  declare mlp?: FeedForward;
  /** Whether it remembers anything. */
  readonly #attends: boolean;

  constructor(c: Config, layer: number) {
    super();
    const attention = makeAttention(c, layer);
    const mlp = makeMLP(c, layer);
    this.#attends = attention instanceof SelfAttention;
    if (attention !== undefined) {
      this.input_layernorm = rmsNorm(c);
      this.self_attn = attention;
    }
    if (mlp !== undefined) {
      this.post_attention_layernorm = rmsNorm(c);
      this.mlp = mlp;
    }
  }

  get attends(): boolean {
    return this.#attends;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn?.forward(this.input_layernorm?.forward(x) ?? x, mask, cache);
    const h = attended === undefined ? x : add(x, attended); // [B, L, E]
    const fed = this.mlp?.forward(this.post_attention_layernorm?.forward(h) ?? h);
    return fed === undefined ? h : add(h, fed);
  }
}

/** Only layers that attend have a cache. */
class SearchedDecoder extends Decoder<Block> {
  constructor(c: Config) {
    if (c.block_configs.length !== c.num_hidden_layers) {
      throw new ConfigError(
        `config.json: block_configs has ${c.block_configs.length} entries for ${c.num_hidden_layers} layers`,
      );
    }
    super(c, (layer) => new Block(c, layer), rmsNorm(c));
  }

  override forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = this.inputs(tokens, embeddings); // [B, L, E]
    const mask = layerCache(cache, 0).makeMask(h.dim(1));
    let used = 0;
    for (const layer of this.layers) {
      h = layer.forward(h, mask, layer.attends ? layerCache(cache, used++) : noCache);
    }
    return this.norm.forward(h);
  }

  override makeCache(): LayerCache[] {
    return this.layers.filter(({ attends }) => attends).map(() => new KVCache());
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new SearchedDecoder(c)),
  sanitize: [dropTiedHead],
});
