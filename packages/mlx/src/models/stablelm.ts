/** Llama with LayerNorm, rotary embedding of a part of the head, optional norms per head. @see mlx-lm 0.32.2 models/stablelm.py */
import { attention } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { ParallelBlock } from "../blocks/parallel-block.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { fast, float32, type MxArray, multiply, stack } from "../core/index.ts";
import { LayerNorm, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  num_attention_heads: int.required(),
  num_hidden_layers: int.required(),
  num_key_value_heads: int.required(),
  intermediate_size: int.required(),
  rope_theta: number.required(),
  use_qkv_bias: bool.required(),
  partial_rotary_factor: number.required(),
  layer_norm_eps: number.required(),
  use_parallel_residual: bool.default(false),
  qk_layernorm: bool.default(false),
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** A LayerNorm without bias per head. Parameters: `norms.H.weight [D]`. */
class PerHeadNorm extends Module {
  norms: LayerNorm[];
  readonly #eps: number;

  constructor(heads: number, dims: number, eps: number) {
    super();
    this.norms = Array.from({ length: heads }, () => new LayerNorm(dims, { eps, bias: false }));
    this.#eps = eps;
  }

  /** `[B, L, H, D] -> [B, L, H, D]` */
  forward(x: MxArray): MxArray {
    const weights = this.norms.flatMap(({ weight }) => weight ?? []);
    return multiply(stack(weights, 0), fast.layerNorm(x, undefined, undefined, this.#eps));
  }
}

class Attention extends SelfAttention {
  declare q_layernorm?: PerHeadNorm;
  declare k_layernorm?: PerHeadNorm;

  constructor(c: Config) {
    const D = headDim(c);
    const rope = createRope({ dims: Math.trunc(c.partial_rotary_factor * D), base: c.rope_theta });
    super(c, { rope, bias: c.use_qkv_bias, outputBias: false });
    if (!c.qk_layernorm) return;
    this.q_layernorm = new PerHeadNorm(this.H, D, c.layer_norm_eps);
    this.k_layernorm = new PerHeadNorm(this.K, D, c.layer_norm_eps);
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    const q = super.queries(x, B, L); // [B, L, H, D]
    return this.q_layernorm?.forward(q) ?? q;
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    const k = super.keys(x, B, L); // [B, L, K, D]
    return this.k_layernorm?.forward(k) ?? k;
  }

  /** In float32: scores of half precision models overflow. */
  protected override attend(q: MxArray, k: MxArray, v: MxArray, mask: Mask): MxArray {
    const out = attention(q.astype(float32), k.astype(float32), v, { scale: this.scale, mask });
    return out.astype(v.dtype); // [B, H, L, D]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });

const makeBlock = (c: Config): PreNormBlock | ParallelBlock => {
  const [attn, mlp] = [new Attention(c), new GatedMLP(c.hidden_size, c.intermediate_size)];
  if (c.use_parallel_residual) return new ParallelBlock(attn, mlp, layerNorm(c));
  return new PreNormBlock(attn, mlp, () => layerNorm(c));
};

const create = (c: Config): CausalLM =>
  new CausalLM({ ...c, tie_word_embeddings: false }, new Decoder(c, () => makeBlock(c), layerNorm(c)));

export const architecture = defineArchitecture({ config, create });
