/** Falcon H1: attention and Mamba 2 side by side in every layer. @see mlx-lm 0.32.2 models/falcon_h1.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { FinalNormDecoder } from "../blocks/final-norm-decoder.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { type GateNorm, Mamba2Mixer, NormOfGated } from "../blocks/mamba2-mixer.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { ArraysCache, CacheList, KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Module, RMSNorm, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { map, whenPresent } from "./sanitize-rules.ts";
import { computed, multiplied, transposed } from "./tensor-change.ts";

const config = {
  attention_bias: bool.default(false),
  attention_in_multiplier: number.default(1),
  attention_out_multiplier: number.default(0.9375),
  embedding_multiplier: number.default(5.656854249492381),
  head_dim: int.default(64),
  hidden_size: int.default(1024),
  intermediate_size: int.default(2048),
  key_multiplier: number.optional(), // mlx-lm leaves keys alone
  lm_head_multiplier: number.default(0.0390625),
  mamba_chunk_size: int.optional(),
  mamba_conv_bias: bool.default(true),
  mamba_d_conv: int.default(4),
  mamba_d_head: int.default(64),
  mamba_d_ssm: int.default(1536),
  mamba_d_state: int.default(128),
  mamba_expand: int.optional(), // mamba_d_ssm says it
  mamba_n_groups: int.default(1),
  mamba_n_heads: int.default(24),
  mamba_norm_before_gate: bool.default(false),
  mamba_proj_bias: bool.default(false),
  mamba_rms_norm: bool.default(false),
  mamba_use_mlp: oneOf(true).optional(),
  max_position_embeddings: int.default(131072),
  mlp_bias: bool.default(false),
  mlp_expansion_factor: int.optional(),
  mlp_multipliers: list(number.required()).default([0.8838834764831844, 0.5859375]),
  num_attention_heads: int.default(8),
  num_hidden_layers: int.default(36),
  num_key_value_heads: int.default(2),
  projectors_bias: bool.default(false),
  rms_norm_eps: number.default(1e-5),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  rope_theta: number.default(100000000000),
  ssm_in_multiplier: number.default(1.25),
  ssm_multipliers: list(number.required()).default([
    0.3535533905932738, 0.25, 0.3535533905932738, 0.5, 0.3535533905932738,
  ]),
  ssm_out_multiplier: number.default(0.23570226039551587),
  vocab_size: int.default(32784),
  tie_word_embeddings: bool.default(true),
  hidden_act: oneOf("silu").optional(),
  num_logits_to_keep: int.optional(),
  time_step_rank: int.optional(),
};
type Config = Infer<typeof config>;

/** RMSNorm, of which a gate lets through. */
class GatedNorm extends RMSNorm implements GateNorm {
  forwardGated(x: MxArray, gate: MxArray): MxArray {
    return swiglu(gate, this.forward(x));
  }
}

const makeMamba = (c: Config): Mamba2Mixer => {
  const sizes = {
    hiddenSize: c.hidden_size,
    heads: c.mamba_n_heads,
    headDim: c.mamba_d_head,
    stateSize: c.mamba_d_state,
    groups: c.mamba_n_groups,
    kernelSize: c.mamba_d_conv,
    convBias: c.mamba_conv_bias,
    bias: c.mamba_proj_bias,
    outputBias: c.projectors_bias,
    timeStepLimit: [0, Number.POSITIVE_INFINITY],
  };
  if (!c.mamba_rms_norm) return new Mamba2Mixer(sizes);
  const Kind = c.mamba_norm_before_gate ? GatedNorm : NormOfGated;
  return new Mamba2Mixer(sizes, new Kind(c.mamba_d_ssm, c.rms_norm_eps));
};

const makeAttention = (c: Config): SelfAttention => {
  const rope = createRope({
    dims: c.head_dim,
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new SelfAttention(c, { rope, bias: c.attention_bias });
};

class Block extends Module {
  feed_forward: GatedMLP;
  mamba: Mamba2Mixer;
  self_attn: SelfAttention;
  input_layernorm: Norm;
  pre_ff_layernorm: Norm;

  constructor(c: Config) {
    super();
    this.feed_forward = new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias });
    this.mamba = makeMamba(c);
    this.self_attn = makeAttention(c);
    this.input_layernorm = rmsNorm(c);
    this.pre_ff_layernorm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [recurrent, attending] = [cache.part(0), cache.part(1)];
    const normed = this.input_layernorm.forward(x); // [B, L, E]
    const read = this.mamba.forward(normed, recurrent.arrays.makeMask(x.dim(1)), recurrent); // [B, L, E]
    const found = this.self_attn.forward(normed, mask, attending); // [B, L, E]
    const h = mx.add(mx.add(x, read), found);
    return mx.add(h, this.feed_forward.forward(this.pre_ff_layernorm.forward(h)));
  }
}

/** Each layer has a cache for either mixer. */
class FalconDecoder extends FinalNormDecoder<Block> {
  constructor(c: Config) {
    super(c, () => new Block(c), rmsNorm(c));
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = layerCache(cache, 0).part(1).makeMask(L);
    return () => mask;
  }

  override makeCache(): LayerCache[] {
    return this.layers.map(() => new CacheList(new ArraysCache(2), new KVCache()));
  }
}

class FalconModel extends CausalLM<FalconDecoder> {
  readonly #scale: number;

  constructor(c: Config) {
    super(c, new FalconDecoder(c));
    this.#scale = c.lm_head_multiplier / c.embedding_multiplier;
  }

  /** The embedding was multiplied at loading, for inputs alone. */
  protected override logits(h: MxArray): MxArray {
    const logits = super.logits(h);
    return this.lm_head === undefined ? logits.multiply(this.#scale) : logits;
  }
}

/** The factor of each row of a mixer's input projection: gate, values, what enters, what reads, time steps. */
const rowFactors = (c: Config): MxArray => {
  const states = c.mamba_n_groups * c.mamba_d_state;
  const rows = [c.mamba_d_ssm, c.mamba_d_ssm, states, states, c.mamba_n_heads];
  return mx.concatenate(rows.map((count, i) => mx.full([count], c.ssm_multipliers[i] ?? 1, mx.float32)));
};

const scaleRows = (c: Config) =>
  computed("rows times ssm_in_multiplier and their part's ssm_multipliers", (x: MxArray) => {
    const factors = rowFactors(c).astype(x.dtype).multiply(c.ssm_in_multiplier);
    return mx.multiply(x, mx.expandDims(factors, 1));
  });

export const architecture = defineArchitecture({
  config,
  create: (c) => new FalconModel(c),
  sanitize: [
    whenPresent<Config>(
      /^model\.layers\.0\.mamba\.conv1d\.weight$/,
      [
        map(/embed_tokens\.weight$/, (c) => [multiplied(c.embedding_multiplier)]),
        map(/lm_head\.weight$/, (c) => [multiplied(c.lm_head_multiplier)]),
        map(/[qk]_proj\.weight$/, (c) => [multiplied(c.attention_in_multiplier)]),
        map(/o_proj\.weight$/, (c) => [multiplied(c.attention_out_multiplier)]),
        map(/out_proj\.weight$/, (c) => [multiplied(c.ssm_out_multiplier)]),
        map(/gate_proj\.weight$/, (c) => [multiplied(c.mlp_multipliers[0] ?? 1)]),
        map(/down_proj\.weight$/, (c) => [multiplied(c.mlp_multipliers[1] ?? 1)]),
        map(/in_proj\.weight$/, (c) => [scaleRows(c)]),
        map(/conv1d\.weight/, [transposed(0, 2, 1)]),
      ],
      ([, channels = 0, positions = 0]) => positions > channels,
    ),
  ],
});
