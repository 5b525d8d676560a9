/** Llama with the norms inside of the branches, fused projections, a tied output. @see mlx-lm 0.32.2 models/lille-130m.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { TransformerLM } from "../blocks/causal-lm.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import { TokDecoder } from "../blocks/tok-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, number, oneOf } from "./config.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  block_size: int.required(),
  layer_norm_eps: number.required(),
  n_embd: int.required(),
  n_head: int.required(),
  n_kv_heads: int.required(),
  n_layer: int.required(),
  rope_theta: number.required(),
  vocab_size: int.required(),
  tie_word_embeddings: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

const rmsNorm = (c: Config): RMSNorm => new RMSNorm(c.n_embd, c.layer_norm_eps);

class Attention extends Module {
  qkv_proj: Linear;
  out_proj: Linear;
  norm: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = Math.floor(c.n_embd / c.n_head);
    this.#H = c.n_head;
    this.#K = c.n_kv_heads;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: D, base: c.rope_theta, traditional: true });
    this.qkv_proj = new Linear(c.n_embd, (this.#H + 2 * this.#K) * D, false);
    this.out_proj = new Linear(this.#H * D, c.n_embd, false);
    this.norm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const fused = this.qkv_proj.forward(this.norm.forward(x)); // [B, L, (H + 2 K) * D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    return this.out_proj.forward(cachedAttention(...splitFusedHeads(fused, this.#H, this.#K), options));
  }
}

/** The nearest multiple of 256 to 8/3 of the width; a tie goes to the even one, as Python rounds. */
const hiddenDims = (c: Config): number => {
  const blocks = Math.floor((8 * c.n_embd) / 3) / 256;
  const rounded = Math.round(blocks);
  return 256 * (blocks % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded);
};

class MLP extends Module {
  norm: RMSNorm;
  gate_proj: Linear;
  up_proj: Linear;
  down_proj: Linear;

  constructor(c: Config) {
    super();
    this.norm = rmsNorm(c);
    this.gate_proj = new Linear(c.n_embd, hiddenDims(c), false);
    this.up_proj = new Linear(c.n_embd, hiddenDims(c), false);
    this.down_proj = new Linear(hiddenDims(c), c.n_embd, false);
  }

  forward(x: MxArray): MxArray {
    const normed = this.norm.forward(x); // [B, L, E]
    return this.down_proj.forward(swiglu(this.gate_proj.forward(normed), this.up_proj.forward(normed)));
  }
}

class Block extends Module {
  attention: Attention;
  feed_forward: MLP;

  constructor(c: Config) {
    super();
    this.attention = new Attention(c);
    this.feed_forward = new MLP(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.attention.forward(x, mask, cache)); // [B, L, E]
    return add(h, this.feed_forward.forward(h));
  }
}

const create = (c: Config): TransformerLM<TokDecoder> => {
  const sizes = { hidden_size: c.n_embd, num_hidden_layers: c.n_layer, vocab_size: c.vocab_size };
  const body = new TokDecoder(sizes, () => new Block(c), rmsNorm(c));
  return new TransformerLM({ ...sizes, tie_word_embeddings: true }, body);
};

export const architecture = defineArchitecture({ config, create, sanitize: [drop(/rotary_emb/)] });
