/**
 * ModernBERT: pre-norm blocks with rotary positions and gated MLPs. The first of every few layers sees all of a text, the
 * others what is near.
 *
 * @see transformers 5.23 models/modernbert/modeling_modernbert.py
 */
import { attention, mergeHeads, splitFusedHeads } from "../blocks/attention.ts";
import { bidirectionalMask } from "../blocks/bidirectional-mask.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import { add, type MxArray, multiply, split } from "../core/index.ts";
import { Embedding, gelu, LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";
import { EncoderModel } from "./encoder-model.ts";
import { drop, rename } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  norm_eps: number.default(1e-5),
  norm_bias: bool.default(false),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  vocab_size: int.required(),
  max_position_embeddings: int.default(8192),
  hidden_activation: oneOf("gelu").optional(),
  /** Tokens that a local layer sees, half of them before and half behind the own one. */
  local_attention: int.default(128),
  global_attn_every_n_layers: int.default(3),
  /** In place of the number before in newer configs. */
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  global_rope_theta: number.default(160000),
  local_rope_theta: number.optional(),
  // what newer configs call these two
  rope_theta: number.optional(),
  rope_local_base_freq: number.optional(),
  tie_word_embeddings: bool.optional(), // of a head that predicts words
};
type Config = Infer<typeof config>;

const norm = (c: Config): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.norm_eps, bias: c.norm_bias });

/** Whether layer `i` sees all of a text. */
const isGlobal = (c: Config, i: number): boolean =>
  c.layer_types === undefined
    ? i % c.global_attn_every_n_layers === 0
    : c.layer_types[i] === "full_attention";

const ropeBase = (c: Config, i: number): number => {
  const global = c.rope_theta ?? c.global_rope_theta;
  return isGlobal(c, i) ? global : (c.rope_local_base_freq ?? c.local_rope_theta ?? global);
};

class Embeddings extends Module {
  tok_embeddings: Embedding;
  norm: LayerNorm;

  constructor(c: Config) {
    super();
    this.tok_embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.norm = norm(c);
  }

  forward(tokens: MxArray): MxArray {
    return this.norm.forward(this.tok_embeddings.forward(tokens)); // [B, L, E]
  }
}

class Attention extends Module {
  Wqkv: Linear;
  Wo: Linear;
  readonly #H: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config, layer: number) {
    super();
    this.Wqkv = new Linear(c.hidden_size, 3 * c.hidden_size, c.attention_bias);
    this.Wo = new Linear(c.hidden_size, c.hidden_size, c.attention_bias);
    this.#H = c.num_attention_heads;
    const D = c.hidden_size / this.#H;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: D, base: ropeBase(c, layer) });
  }

  forward(x: MxArray, mask: Mask): MxArray {
    const [B = 1, L = 1] = x.shape;
    const [q, k, v] = splitFusedHeads(this.Wqkv.forward(x), this.#H, this.#H); // [B, H, L, D]
    const [turnedQ, turnedK] = [this.#rope.forward(q, 0), this.#rope.forward(k, 0)];
    const found = attention(turnedQ, turnedK, v, { scale: this.#scale, mask }); // [B, H, L, D]
    return this.Wo.forward(mergeHeads(found, B, L)); // [B, L, E]
  }
}

class MLP extends Module {
  Wi: Linear;
  Wo: Linear;

  constructor(c: Config) {
    super();
    this.Wi = new Linear(c.hidden_size, 2 * c.intermediate_size, c.mlp_bias);
    this.Wo = new Linear(c.intermediate_size, c.hidden_size, c.mlp_bias);
  }

  forward(x: MxArray): MxArray {
    const [input = x, gate = x] = split(this.Wi.forward(x), 2, -1); // [B, L, F]
    return this.Wo.forward(multiply(gelu(input), gate));
  }
}

class Layer extends Module {
  /** Absent in the first layer, before which the embeddings are normed. */
  declare attn_norm?: LayerNorm;
  attn: Attention;
  mlp_norm: LayerNorm;
  mlp: MLP;

  constructor(c: Config, layer: number) {
    super();
    if (layer > 0) this.attn_norm = norm(c);
    this.attn = new Attention(c, layer);
    this.mlp_norm = norm(c);
    this.mlp = new MLP(c);
  }

  forward(x: MxArray, mask: Mask): MxArray {
    const h = add(x, this.attn.forward(this.attn_norm?.forward(x) ?? x, mask)); // [B, L, E]
    return add(h, this.mlp.forward(this.mlp_norm.forward(h))); // [B, L, E]
  }
}

class ModernBertModel extends EncoderModel {
  embeddings: Embeddings;
  layers: Layer[];
  final_norm: LayerNorm;
  readonly dims: number;
  readonly maxLength: number;
  readonly #config: Config;

  constructor(c: Config) {
    super();
    this.embeddings = new Embeddings(c);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => new Layer(c, i));
    this.final_norm = norm(c);
    this.dims = c.hidden_size;
    this.maxLength = c.max_position_embeddings;
    this.#config = c;
  }

  forward(tokens: MxArray, lengths: readonly number[]): MxArray {
    const L = tokens.dim(1);
    const all = bidirectionalMask(lengths, L);
    const near = bidirectionalMask(lengths, L, Math.floor(this.#config.local_attention / 2));
    const last = this.layers.reduce(
      (h, layer, i) => layer.forward(h, isGlobal(this.#config, i) ? all : near),
      this.embeddings.forward(tokens),
    );
    return this.final_norm.forward(last);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new ModernBertModel(c),
  sanitize: [rename(/^model\./, ""), drop(/^(head|decoder|classifier)\./)],
});
