/** Parallel branches under one norm; several query heads in turn share a key head. @see mlx-lm 0.32.2 models/plamo.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, tile } from "../core/index.ts";
import { Embedding, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  /** Query heads per key head. */
  n_shared_head: int.default(8),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  num_key_value_heads: int.optional(), // n_shared_head says it
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** Query head `h` asks key head `h % K`, where groups of neighbours share one elsewhere. */
class Attention extends SelfAttention {
  readonly #shared: number;

  constructor(c: Config) {
    const rope = createRope({ dims: headDim(c), base: c.rope_theta, traditional: c.rope_traditional });
    super({ ...c, num_key_value_heads: Math.ceil(c.num_attention_heads / c.n_shared_head) }, { rope });
    this.#shared = c.n_shared_head;
  }

  protected override attend(q: MxArray, k: MxArray, v: MxArray, mask: Mask): MxArray {
    const repeated = (heads: MxArray) => tile(heads, [1, this.#shared, 1, 1]); // [B, H, S, D]
    return super.attend(q, repeated(k), repeated(v), mask);
  }
}

class Block extends Module {
  self_attn: Attention;
  mlp: GatedMLP;
  norm: Norm;

  constructor(c: Config) {
    super();
    this.self_attn = new Attention(c);
    this.mlp = new GatedMLP(c.hidden_size, c.intermediate_size);
    this.norm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const normed = this.norm.forward(x); // [B, L, E]
    return add(add(x, this.self_attn.forward(normed, mask, cache)), this.mlp.forward(normed));
  }
}

/** Checkpoints have the blocks at `model.layers.layers`. */
class Layers extends Module {
  layers: Block[];

  constructor(c: Config) {
    super();
    this.layers = Array.from({ length: c.num_hidden_layers }, () => new Block(c));
  }
}

class PlamoDecoder extends DecoderFrame<Block> {
  embed_tokens: Embedding;
  layers: Layers;
  norm: Norm;

  constructor(c: Config) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = new Layers(c);
    this.norm = rmsNorm(c);
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm;
  }
}

const create = (c: Config): CausalLM<PlamoDecoder> =>
  new CausalLM({ ...c, tie_word_embeddings: false }, new PlamoDecoder(c));

export const architecture = defineArchitecture({ config, create, sanitize: [dropRotaryTables] });
