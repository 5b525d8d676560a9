/** DeepSeek 3.2: DeepSeek 3 whose queries attend to the keys that an indexer ranks highest. @see mlx-lm 0.32.2 models/deepseek_v32.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { splitHeads } from "../blocks/attention.ts";
import { type Latents, latentRope } from "../blocks/latent-attention.ts";
import { type Mask, visibleKeys } from "../blocks/mask.ts";
import { PairedDecoder } from "../blocks/paired-decoder.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int } from "./config.ts";
import { createDeepseek, type ExpandingConfig, splitExpansion, config as v3Schema } from "./deepseek_v3.ts";
import { dropLayersFrom, type SanitizeRule } from "./sanitize-rules.ts";

export const config = {
  ...v3Schema,
  q_lora_rank: int.default(1536),
  index_head_dim: int.default(128),
  index_n_heads: int.default(64),
  index_topk: int.default(2048),
  indexer_rope_interleave: bool.default(false),
};
type Config = Infer<typeof config>;

/** Ranks keys for each query, and remembers small keys of its own for that. */
class Indexer extends Module {
  wq_b: Linear;
  wk: Linear;
  k_norm: LayerNorm;
  weights_proj: Linear;
  readonly #heads: number;
  readonly #topk: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const { hidden_size: E, index_n_heads: heads, index_head_dim: D } = c;
    this.wq_b = new Linear(c.q_lora_rank, heads * D, false);
    this.wk = new Linear(E, D, false);
    this.k_norm = new LayerNorm(D);
    this.weights_proj = new Linear(E, heads, false);
    this.#heads = heads;
    this.#topk = c.index_topk;
    this.#scale = heads ** -0.5 * D ** -0.5;
    this.#rope = createRope({
      dims: c.qk_rope_head_dim,
      base: c.rope_theta,
      traditional: c.indexer_rope_interleave,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
  }

  /**
   * The positions that each query attends to, `[B, 1, L, k]`, in no order; undefined while that is all of them.
   *
   * @param squeezed - `[B, L, q_lora_rank]`
   */
  choose(x: MxArray, squeezed: MxArray, mask: Mask, cache: LayerCache): MxArray | undefined {
    const [B = 1, L = 1] = x.shape;
    const { offset } = cache;
    const k = this.#rope.forward(mx.expandDims(this.k_norm.forward(this.wk.forward(x)), 1), offset);
    const noValues = mx.zeros([B, 1, L, 0], k.dtype);
    const [keys] = cache.updateAndFetch(k, noValues); // [B, 1, S, D]
    const S = keys.dim(2);
    if (S <= this.#topk) return undefined;
    const q = this.#rope.forward(splitHeads(this.wq_b.forward(squeezed), B, L, this.#heads), offset);
    const matches = mx.maximum(mx.matmul(q, mx.swapaxes(keys, -1, -2)), 0); // [B, H, L, S]
    const weights = mx.swapaxes(this.weights_proj.forward(x).multiply(this.#scale), -1, -2); // [B, H, L]
    const scores = mx.sum(mx.multiply(matches, mx.expandDims(weights, -1)), 1, true); // [B, 1, L, S]
    const visible = visibleKeys(mask, L, S);
    const ranked = visible === undefined ? scores : mx.where(visible, scores, Number.NEGATIVE_INFINITY);
    return mx.index(mx.argpartition(ranked, S - this.#topk), "...", [S - this.#topk, S]);
  }
}

class Attention extends AbsorbedAttention {
  indexer: Indexer;

  constructor(c: Config) {
    super(c, latentRope(c));
    this.indexer = new Indexer(c);
  }

  override forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const own = cache.part(0);
    const squeezed = this.squeeze(x);
    const [queries, [latent, k_pe]] = this.project(x, squeezed, own.offset);
    const known = own.updateAndFetch(mx.expandDims(latent, 1), k_pe); // [B, 1, S, D] both
    const chosen = this.indexer.choose(x, squeezed, mask, cache.part(1)); // [B, 1, L, k]
    if (chosen === undefined) return this.output(this.attendTo(queries, known, mask));
    if (x.dim(1) > 1) return this.output(this.attendTo(queries, known, among(chosen, known, mask)));
    const visible = mask === undefined || mask === "causal" ? undefined : mx.takeAlongAxis(mask, chosen, -1);
    return this.output(this.attendTo(queries, pick(known, chosen), visible));
  }
}

/** The mask, narrowed to the positions that each query chose. */
const among = (chosen: MxArray, [latents]: Latents, mask: Mask): MxArray => {
  const [B = 1, , L = 1] = chosen.shape;
  const S = latents.dim(2);
  const isChosen = mx.putAlongAxis(mx.zeros([B, 1, L, S], mx.bool_), chosen, true, -1);
  const visible = visibleKeys(mask, L, S);
  return visible === undefined ? isChosen : mx.logicalAnd(isChosen, visible);
};

/** The latents and keys that one query chose, `[B, 1, k, D]` both. */
const pick = ([latents, k_pe]: Latents, chosen: MxArray): Latents => {
  const rows = mx.swapaxes(chosen, -1, -2); // [B, 1, k, 1]
  const of = (all: MxArray) => {
    const [B = 1, , k = 1] = rows.shape;
    return mx.takeAlongAxis(all, mx.broadcastTo(rows, [B, 1, k, all.dim(-1)]), 2);
  };
  return [of(latents), of(k_pe)];
};

export const createIndexed = (c: Config) => createDeepseek(c, () => new Attention(c), PairedDecoder);

type FittedConfig = ExpandingConfig & Pick<Config, "num_hidden_layers">;

export const rules: readonly SanitizeRule<FittedConfig>[] = [
  dropLayersFrom((c) => c.num_hidden_layers),
  stackNamedExperts,
  splitExpansion,
];

export const architecture = defineArchitecture({ config, create: createIndexed, sanitize: rules });
