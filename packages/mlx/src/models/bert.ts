/** BERT: post-norm blocks over learned positions that see both ways. @see transformers 5.23 models/bert/modeling_bert.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { bidirectionalMask } from "../blocks/bidirectional-mask.ts";
import type { Mask } from "../blocks/mask.ts";
import { PostNormLayer, PostNormOutput, postNormActivations } from "../blocks/post-norm-layer.ts";
import { add, arange, int32, type MxArray, zeros } from "../core/index.ts";
import { Embedding, LayerNorm, Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, number, oneOf } from "./config.ts";
import { EncoderModel } from "./encoder-model.ts";
import { drop, rename } from "./sanitize-rules.ts";

export const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  layer_norm_eps: number.default(1e-12),
  vocab_size: int.required(),
  type_vocab_size: int.default(2),
  max_position_embeddings: int.default(512),
  pad_token_id: int.default(0),
  hidden_act: oneOf(...postNormActivations).default("gelu"),
  position_embedding_type: oneOf("absolute").optional(),
};
type Config = Infer<typeof config>;

class Embeddings extends Module {
  word_embeddings: Embedding;
  position_embeddings: Embedding;
  token_type_embeddings: Embedding;
  LayerNorm: LayerNorm;
  readonly #first: number;
  readonly #hasTypes: boolean;

  constructor(c: Config, firstPosition: number) {
    super();
    this.word_embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.position_embeddings = new Embedding(c.max_position_embeddings, c.hidden_size);
    this.token_type_embeddings = new Embedding(c.type_vocab_size, c.hidden_size);
    this.LayerNorm = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
    this.#first = firstPosition;
    this.#hasTypes = c.type_vocab_size > 1;
  }

  /** `[B, L] -> [B, L, E]`; without types, or where there is one alone, all tokens are of the first. */
  forward(tokens: MxArray, types?: MxArray): MxArray {
    const positions = this.position_embeddings.forward(arange(this.#first, this.#first + tokens.dim(1)));
    const given = this.#hasTypes ? types : undefined;
    const type = this.token_type_embeddings.forward(given ?? zeros([1], int32)); // [B, L, E] or [1, E]
    return this.LayerNorm.forward(add(this.word_embeddings.forward(tokens), add(positions, type)));
  }
}

class SelfAttention extends Module {
  query: Linear;
  key: Linear;
  value: Linear;
  readonly #H: number;
  readonly #scale: number;

  constructor(c: Config) {
    super();
    this.query = new Linear(c.hidden_size, c.hidden_size);
    this.key = new Linear(c.hidden_size, c.hidden_size);
    this.value = new Linear(c.hidden_size, c.hidden_size);
    this.#H = c.num_attention_heads;
    this.#scale = (c.hidden_size / this.#H) ** -0.5;
  }

  forward(x: MxArray, mask: Mask): MxArray {
    const [B = 1, L = 1] = x.shape;
    const heads = (layer: Linear) => splitHeads(layer.forward(x), B, L, this.#H); // [B, H, L, D]
    const [q, k, v] = [heads(this.query), heads(this.key), heads(this.value)];
    return mergeHeads(attention(q, k, v, { scale: this.#scale, mask }), B, L); // [B, L, E]
  }
}

class Attention extends Module {
  self: SelfAttention;
  output: PostNormOutput;

  constructor(c: Config) {
    super();
    this.self = new SelfAttention(c);
    this.output = new PostNormOutput(c, c.hidden_size);
  }

  forward(x: MxArray, mask: Mask): MxArray {
    return this.output.forward(this.self.forward(x, mask), x);
  }
}

class Layers extends Module {
  layer: PostNormLayer[];

  constructor(c: Config) {
    super();
    this.layer = Array.from({ length: c.num_hidden_layers }, () => new PostNormLayer(c, new Attention(c)));
  }
}

/** BERT, or RoBERTa, whose positions begin elsewhere. */
export class BertModel extends EncoderModel {
  embeddings: Embeddings;
  encoder: Layers;
  readonly dims: number;
  readonly maxLength: number;

  /** @param firstPosition - row of a text's first token in the table of positions. Default 0 */
  constructor(c: Config, firstPosition = 0) {
    super();
    this.embeddings = new Embeddings(c, firstPosition);
    this.encoder = new Layers(c);
    this.dims = c.hidden_size;
    this.maxLength = c.max_position_embeddings - firstPosition;
  }

  forward(tokens: MxArray, lengths: readonly number[], types?: MxArray): MxArray {
    const mask = bidirectionalMask(lengths, tokens.dim(1));
    const x = this.embeddings.forward(tokens, types); // [B, L, E]
    return this.encoder.layer.reduce((h, layer) => layer.forward(h, mask), x);
  }
}

/** Names of other heads and of older files; the pooler was trained for none of the ways vectors are made. */
export const sanitize = [
  rename<unknown>(/^(bert|roberta)\./, ""),
  rename<unknown>(/LayerNorm\.gamma$/, "LayerNorm.weight"),
  rename<unknown>(/LayerNorm\.beta$/, "LayerNorm.bias"),
  drop<unknown>(/^(pooler|cls|lm_head|classifier)\.|^embeddings\.(position|token_type)_ids$/),
];

export const architecture = defineArchitecture({ config, create: (c) => new BertModel(c), sanitize });
