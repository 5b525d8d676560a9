import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { mergeHeads, splitHeads } from "./attention.ts";
import type { Mask } from "./mask.ts";
import { KeptParts, type LatentParts } from "./mixer-parts.ts";
import type { MultiLinear } from "./multi-linear.ts";
import { createRope, yarnMscale } from "./rope.ts";

/** Keys of a config that latent attention reads. */
export interface LatentAttentionConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  /** Features that queries are squeezed into; none leaves them as they are. */
  readonly q_lora_rank?: number | undefined;
  /** Features that keys and values are squeezed into. */
  readonly kv_lora_rank: number;
  /** Features of a query or key that know no position. */
  readonly qk_nope_head_dim: number;
  /** Features of a query or key that turn; keys share theirs among heads. */
  readonly qk_rope_head_dim: number;
  readonly v_head_dim: number;
  readonly attention_bias: boolean;
}

/** Options of latent attention. */
export interface LatentAttentionOptions {
  rope: PositionEmbedding;
  /** Multiplies the scores. */
  scale: number;
  /** Of the norms on what was squeezed. Default 1e-6. */
  eps?: number;
  /** How the output projection is called. Default `o_proj`. */
  output?: "o_proj" | "dense";
}

/** A query's or key's two parts, `[B, H, L, D]` each: without position and turned. */
export type Parts = [nope: MxArray, pe: MxArray];

/** What new positions give a cache: their latents, and their keys' turned features, `[B, 1, L, qk_rope_head_dim]`. */
export type Latents = [latent: MxArray, k_pe: MxArray];

/** `x` cut before index `at` of the last axis. */
export const cutInTwo = (x: MxArray, at: number): [MxArray, MxArray] => {
  const [before = x, after = x] = mx.split(x, [at], -1);
  return [before, after];
};

/**
 * DeepSeek's attention over keys and values squeezed into one latent vector per position.
 *
 * @see https://arxiv.org/abs/2405.04434
 */
export abstract class LatentAttention extends Module {
  declare q_proj?: Linear;
  declare q_a_proj?: Linear;
  declare q_a_layernorm?: RMSNorm;
  declare q_b_proj?: Linear;
  kv_a_proj_with_mqa: Linear;
  kv_a_layernorm: RMSNorm;
  declare o_proj?: Linear;
  declare dense?: Linear;
  protected readonly c: LatentAttentionConfig;
  protected readonly scale: number;
  readonly #rope: PositionEmbedding;
  readonly #output: Linear;
  readonly #parts = new KeptParts<LatentParts>();

  constructor(
    c: LatentAttentionConfig,
    { rope, scale, eps = 1e-6, output = "o_proj" }: LatentAttentionOptions,
  ) {
    super();
    const { hidden_size: E, num_attention_heads: H, q_lora_rank, kv_lora_rank, attention_bias: bias } = c;
    const queryDims = H * (c.qk_nope_head_dim + c.qk_rope_head_dim);
    if (q_lora_rank === undefined) {
      this.q_proj = new Linear(E, queryDims, false);
    } else {
      this.q_a_proj = new Linear(E, q_lora_rank, bias);
      this.q_a_layernorm = new RMSNorm(q_lora_rank, eps);
      this.q_b_proj = new Linear(q_lora_rank, queryDims, false);
    }
    this.kv_a_proj_with_mqa = new Linear(E, kv_lora_rank + c.qk_rope_head_dim, bias);
    this.kv_a_layernorm = new RMSNorm(kv_lora_rank, eps);
    this.#output = new Linear(H * c.v_head_dim, E, bias);
    this[output] = this.#output;
    this.c = c;
    this.scale = scale;
    this.#rope = rope;
  }

  /** The same object until one of them is replaced; undefined where a model does a step differently. */
  get parts(): LatentParts | undefined {
    return undefined;
  }

  /** Whether every step is the one of `prototype`. */
  protected makesStepsOf(prototype: LatentAttention): boolean {
    const { forward, squeeze, queries, project, gated, output, attend } = prototype;
    const areInputs = this.squeeze === squeeze && this.queries === queries && this.project === project;
    const areOthers = this.gated === gated && this.output === output && this.forward === forward;
    return areInputs && areOthers && this.attend === attend;
  }

  /**
   * @param between - matrices behind kv_a and before the output
   * @param others - the same at each call
   */
  protected partsWith(
    between: readonly (Linear | MultiLinear)[],
    others: Pick<LatentParts, "isAbsorbed" | "queryGrowth">,
  ): LatentParts | undefined {
    const { q_proj, q_a_proj, q_b_proj, q_a_layernorm, kv_a_layernorm, c, scale } = this;
    const queries = [q_proj, q_a_proj, q_b_proj].filter((matrix) => matrix !== undefined);
    const matrices = [...queries, this.kv_a_proj_with_mqa, ...between, this.#output];
    const { qk_rope_head_dim: turnedDim, kv_lora_rank: latentDim, v_head_dim: valueDim } = c;
    if (turnedDim === 0) return undefined;
    return this.#parts.of([...matrices, kv_a_layernorm, q_a_layernorm], () => ({
      ...{ matrices, rope: this.#rope, H: c.num_attention_heads, scale, ...others },
      norms: q_a_layernorm === undefined ? [kv_a_layernorm] : [kv_a_layernorm, q_a_layernorm],
      ...{ latentDim, turnedDim, D: c.qk_nope_head_dim + turnedDim, valueDim },
    }));
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [queries, latents] = this.project(x, this.squeeze(x), cache.offset);
    return this.output(this.gated(this.attend(queries, latents, mask, cache), x));
  }

  /** What queries are made from: `x` squeezed, `[B, L, q_lora_rank]`, or as it is. */
  protected squeeze(x: MxArray): MxArray {
    if (this.q_a_proj === undefined) return x;
    const squeezed = this.q_a_proj.forward(x); // [B, L, q_lora_rank]
    return this.q_a_layernorm?.forward(squeezed) ?? squeezed;
  }

  /** The squeezed `[B, L, q_lora_rank]` to `[B, L, H * D]`. */
  protected queries(squeezed: MxArray): MxArray {
    return (this.q_b_proj ?? this.q_proj)?.forward(squeezed) ?? squeezed;
  }

  /** Queries and latents of new positions, the first at `offset`. */
  protected project(x: MxArray, squeezed: MxArray, offset: LayerCache["offset"]): [Parts, Latents] {
    const [B = 1, L = 1] = x.shape;
    const { kv_lora_rank, num_attention_heads: H, qk_nope_head_dim } = this.c;
    const q = splitHeads(this.queries(squeezed), B, L, H); // [B, H, L, D]
    const [q_nope, q_pe] = cutInTwo(q, qk_nope_head_dim);
    const [narrow, shared] = cutInTwo(this.kv_a_proj_with_mqa.forward(x), kv_lora_rank);
    const latent = this.kv_a_layernorm.forward(narrow); // [B, L, kv_lora_rank]
    const k_pe = this.#rope.forward(mx.expandDims(shared, 1), offset); // [B, 1, L, qk_rope_head_dim]
    return [
      [q_nope, this.#rope.forward(q_pe, offset)],
      [latent, k_pe],
    ];
  }

  /** What heads found, `[B, H, L, v_head_dim]`, as far as it is let through; all of it unless a model has a gate. */
  protected gated(found: MxArray, _x: MxArray): MxArray {
    return found;
  }

  /** `[B, H, L, v_head_dim] -> [B, L, E]` */
  protected output(out: MxArray): MxArray {
    return this.#output.forward(mergeHeads(out, out.dim(0), out.dim(2)));
  }

  /** Attention of new positions, whose latents are `[B, L, kv_lora_rank]`, to all: `[B, H, L, v_head_dim]`. */
  protected abstract attend(queries: Parts, latents: Latents, mask: Mask, cache: LayerCache): MxArray;
}

interface QueryDims {
  readonly qk_nope_head_dim: number;
  readonly qk_rope_head_dim: number;
}

/** The scale of scores, which YaRN's `mscale_all_dim` raises. */
export const latentScale = (
  { qk_nope_head_dim, qk_rope_head_dim }: QueryDims,
  scaling: Readonly<Record<string, unknown>> = {},
): number => {
  const mscale = yarnMscale(Number(scaling.factor ?? 1), Number(scaling.mscale_all_dim ?? 0));
  return (qk_nope_head_dim + qk_rope_head_dim) ** -0.5 * mscale * mscale;
};

interface LatentRopeConfig extends QueryDims {
  readonly rope_theta: number;
  readonly rope_scaling?: Readonly<Record<string, unknown>> | undefined;
  readonly max_position_embeddings: number;
}

/** DeepSeek's position embedding and scale. */
export const latentRope = (
  c: LatentRopeConfig,
  traditional = true,
): Required<Pick<LatentAttentionOptions, "rope" | "scale">> => {
  const rope = createRope({
    dims: c.qk_rope_head_dim,
    base: c.rope_theta,
    traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return { rope, scale: latentScale(c, c.rope_scaling) };
};
