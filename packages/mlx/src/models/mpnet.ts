/**
 * BERT with a bias of scores by the distance of positions, which all layers share. @see transformers 5.23
 * models/mpnet/modeling_mpnet.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { bidirectionalMask } from "../blocks/bidirectional-mask.ts";
import type { Mask } from "../blocks/mask.ts";
import { PostNormLayer, postNormActivations } from "../blocks/post-norm-layer.ts";
import { add, arange, array, expandDims, int32, type MxArray, transpose, where } from "../core/index.ts";
import { Embedding, LayerNorm, Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";
import { EncoderModel } from "./encoder-model.ts";
import { drop, rename } from "./sanitize-rules.ts";

/** Of a text's first token, in the table of positions. */
const FIRST_POSITION = 2;
/** Farther positions are alike. */
const MAX_DISTANCE = 128;

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  layer_norm_eps: number.default(1e-12),
  vocab_size: int.required(),
  max_position_embeddings: int.default(514),
  relative_attention_num_buckets: int.default(32),
  hidden_act: oneOf(...postNormActivations).default("gelu"),
  tie_word_embeddings: bool.optional(), // of a head that predicts words
};
type Config = Infer<typeof config>;

class Embeddings extends Module {
  word_embeddings: Embedding;
  position_embeddings: Embedding;
  LayerNorm: LayerNorm;

  constructor(c: Config) {
    super();
    this.word_embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.position_embeddings = new Embedding(c.max_position_embeddings, c.hidden_size);
    this.LayerNorm = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
  }

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray): MxArray {
    const rows = arange(FIRST_POSITION, FIRST_POSITION + tokens.dim(1));
    return this.LayerNorm.forward(
      add(this.word_embeddings.forward(tokens), this.position_embeddings.forward(rows)),
    );
  }
}

class SelfAttention extends Module {
  q: Linear;
  k: Linear;
  v: Linear;
  o: Linear;
  readonly #H: number;
  readonly #scale: number;

  constructor(c: Config) {
    super();
    this.q = new Linear(c.hidden_size, c.hidden_size);
    this.k = new Linear(c.hidden_size, c.hidden_size);
    this.v = new Linear(c.hidden_size, c.hidden_size);
    this.o = new Linear(c.hidden_size, c.hidden_size);
    this.#H = c.num_attention_heads;
    this.#scale = (c.hidden_size / this.#H) ** -0.5;
  }

  forward(x: MxArray, mask: Mask): MxArray {
    const [B = 1, L = 1] = x.shape;
    const heads = (layer: Linear) => splitHeads(layer.forward(x), B, L, this.#H); // [B, H, L, D]
    const [q, k, v] = [heads(this.q), heads(this.k), heads(this.v)];
    return this.o.forward(mergeHeads(attention(q, k, v, { scale: this.#scale, mask }), B, L)); // [B, L, E]
  }
}

class Attention extends Module {
  attn: SelfAttention;
  LayerNorm: LayerNorm;

  constructor(c: Config) {
    super();
    this.attn = new SelfAttention(c);
    this.LayerNorm = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
  }

  forward(x: MxArray, mask: Mask): MxArray {
    return this.LayerNorm.forward(add(x, this.attn.forward(x, mask)));
  }
}

/** Which row of the table of biases is for a key so many positions ahead: near ones have their own, others share. */
const bucket = (ahead: number, buckets: number): number => {
  const half = Math.floor(buckets / 2);
  const near = Math.floor(half / 2);
  const distance = Math.abs(ahead);
  const side = ahead > 0 ? half : 0;
  if (distance < near) return side + distance;
  // in float32, whose rounding decides where a bucket ends
  const share = Math.fround(Math.log(distance / near)) / Math.fround(Math.log(MAX_DISTANCE / near));
  return side + Math.min(near + Math.trunc(Math.fround(share) * (half - near)), half - 1);
};

class Encoder extends Module {
  layer: PostNormLayer[];
  relative_attention_bias: Embedding;
  readonly #buckets: number;

  constructor(c: Config) {
    super();
    this.layer = Array.from({ length: c.num_hidden_layers }, () => new PostNormLayer(c, new Attention(c)));
    this.relative_attention_bias = new Embedding(c.relative_attention_num_buckets, c.num_attention_heads);
    this.#buckets = c.relative_attention_num_buckets;
  }

  /** What is added to scores, `[1, H, L, L]`. */
  bias(L: number): MxArray {
    const rows = Int32Array.from({ length: L * L }, (_, i) =>
      bucket((i % L) - Math.floor(i / L), this.#buckets),
    );
    const values = this.relative_attention_bias.forward(array(rows, int32, [L, L])); // [L, L, H]
    return expandDims(transpose(values, [2, 0, 1]), 0);
  }
}

class MPNetModel extends EncoderModel {
  embeddings: Embeddings;
  encoder: Encoder;
  readonly dims: number;
  readonly maxLength: number;

  constructor(c: Config) {
    super();
    this.embeddings = new Embeddings(c);
    this.encoder = new Encoder(c);
    this.dims = c.hidden_size;
    this.maxLength = c.max_position_embeddings - FIRST_POSITION;
  }

  forward(tokens: MxArray, lengths: readonly number[]): MxArray {
    const L = tokens.dim(1);
    const x = this.embeddings.forward(tokens); // [B, L, E]
    const bias = this.encoder.bias(L).astype(x.dtype);
    const visible = bidirectionalMask(lengths, L);
    const isArray = visible !== undefined && visible !== "causal";
    const mask = isArray ? where(visible, bias, Number.NEGATIVE_INFINITY) : bias;
    return this.encoder.layer.reduce((h, layer) => layer.forward(h, mask), x);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new MPNetModel(c),
  sanitize: [rename(/^mpnet\./, ""), drop(/^(pooler|lm_head|classifier)\.|^embeddings\.position_ids$/)],
});
