/**
 * Gemma 4's drafter: a few narrow layers that attend to the keys and values of the model they draft for.
 *
 * @see mlx-vlm 0.7.10 speculative/drafters/gemma4_assistant
 */
import type { Remembered } from "../blocks/remembering-attention.ts";
import { type SlidingWindow, slidingWindow } from "../blocks/sliding-decoder.ts";
import { type KeyValueCache, KVCache, type LayerCache, noCache, RotatingKVCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { Embedding, Linear, Module, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, object } from "./config.ts";
import { Gemma4Block, type Gemma4TextConfig, gemma4TextSchema } from "./gemma4-block.ts";
import { type Prediction, type PredictionInputs, Predictor } from "./predictor.ts";
import { drop, map } from "./sanitize-rules.ts";
import { cast } from "./tensor-change.ts";

const config = {
  /** Features of the model that it drafts for. */
  backbone_hidden_size: int.default(1536),
  /** Whether its output layer looks at the likeliest groups of tokens alone. */
  use_ordered_embeddings: bool.default(false),
  num_centroids: int.default(2048),
  /** How many groups that are. */
  centroid_intermediate_top_k: int.default(32),
  tie_word_embeddings: bool.default(true),
  block_size: int.optional(), // how many tokens are drafted is the caller's
  text_config: object(gemma4TextSchema).required(),
};
type Config = Infer<typeof config>;

/** Layers that all share keys: 0 in a config says no less. */
const sharing = (c: Gemma4TextConfig): Gemma4TextConfig => ({
  ...c,
  num_kv_shared_layers: c.num_kv_shared_layers || c.num_hidden_layers,
});

class NarrowDecoder extends Module {
  embed_tokens: Embedding;
  layers: Gemma4Block[];
  norm: RMSNorm;
  readonly #window: SlidingWindow;

  constructor(c: Gemma4TextConfig) {
    super();
    this.#window = slidingWindow(c);
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = this.#window.layers.map((slides, i) => new Gemma4Block(c, i, { slides, onlyShares: true }));
    this.norm = new RMSNorm(c.hidden_size, c.rms_norm_eps);
  }

  /** `[1, 1, E'] -> [1, 1, E']` at the last position that the caches of the other model hold. */
  forward(x: MxArray, caches: readonly LayerCache[]): MxArray {
    const full = rememberedBy(caches, KVCache);
    const sliding = latest(rememberedBy(caches, RotatingKVCache), this.#window.size);
    const h = this.layers.reduce((done, layer, i) => {
      const remembered = this.#window.layers[i] === true ? sliding : full;
      return layer.forward(done, undefined, noCache, remembered, undefined)[0];
    }, x);
    return this.norm.forward(h);
  }
}

/** What the last layer of a kind remembers, for a query at its last position. */
const rememberedBy = (
  caches: readonly LayerCache[],
  kind: typeof KVCache | typeof RotatingKVCache,
): Remembered => {
  const cache = caches.findLast((layer): layer is KeyValueCache => layer instanceof kind);
  const held = cache?.contents();
  if (cache === undefined || held === undefined) {
    throw new InvalidArgumentError(`Expected a model with a ${kind.name} that holds keys and values`);
  }
  const [keys, values] = held; // [1, K, S, D]
  return { keys, values, offset: cache.offset - 1 };
};

/** The latest of what a window holds. */
const latest = ({ keys, values, offset }: Remembered, size: number): Remembered => {
  const cut = (held: MxArray): MxArray => mx.index(held, [], [], [-Math.min(size, held.dim(2))]);
  return { keys: cut(keys), values: cut(values), offset };
};

/** An output layer that looks at the tokens of the likeliest groups alone; no other comes next. */
class GroupedHead extends Module {
  centroids: Linear;
  token_ordering: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.#c = c;
    this.centroids = new Linear(c.text_config.hidden_size, c.num_centroids, false);
    this.token_ordering = mx.zeros([c.text_config.vocab_size], mx.int32);
  }

  /** Features `[1, 1, E']` to logits `[1, V]` by the rows of `embedding`. */
  forward(h: MxArray, embedding: Embedding): MxArray {
    const { num_centroids, centroid_intermediate_top_k: k, text_config } = this.#c;
    const scores = mx.reshape(this.centroids.forward(h), [-1]); // [groups]
    const groups = mx.index(mx.argpartition(scores, num_centroids - k), [num_centroids - k]); // [k]
    const tokensOf = mx.reshape(this.token_ordering, [num_centroids, -1]);
    const tokens = mx.reshape(mx.take(tokensOf, groups, 0), [1, -1]); // [1, k V / groups]
    const rows = mx.squeeze(embedding.forward(tokens), 0); // [k V / groups, E']
    const seen = mx.matmul(mx.reshape(h, [1, -1]), mx.transpose(rows)); // [1, k V / groups]
    const none = mx.full([1, text_config.vocab_size], Number.NEGATIVE_INFINITY, seen.dtype);
    return mx.putAlongAxis(none, tokens, seen, -1);
  }
}

class Gemma4Assistant extends Predictor {
  model: NarrowDecoder;
  pre_projection: Linear;
  post_projection: Linear;
  declare lm_head?: Linear;
  declare masked_embedding?: GroupedHead;
  readonly width: number;
  readonly vocabSize: number;
  readonly seesTokens = false;

  constructor(c: Config) {
    super();
    const { hidden_size, vocab_size } = c.text_config;
    this.width = c.backbone_hidden_size;
    this.vocabSize = vocab_size;
    this.model = new NarrowDecoder(sharing(c.text_config));
    this.pre_projection = new Linear(2 * this.width, hidden_size, false);
    this.post_projection = new Linear(hidden_size, this.width, false);
    if (!c.tie_word_embeddings) this.lm_head = new Linear(hidden_size, vocab_size, false);
    if (c.use_ordered_embeddings) this.masked_embedding = new GroupedHead(c);
  }

  /** All tokens are predicted from the same position: that of the last one that the model's caches hold. */
  predict({ model, modelCache, tokens, features }: PredictionInputs): Prediction {
    const embeddings = model.embed(tokens).multiply(this.width ** 0.5); // [1, 1, E]
    const x = this.pre_projection.forward(mx.concatenate([embeddings, features], -1)); // [1, 1, E']
    const h = this.model.forward(x, modelCache);
    return { logits: this.#logits(h), features: this.post_projection.forward(h) };
  }

  /** `[1, 1, E'] -> [1, V]` */
  #logits(h: MxArray): MxArray {
    const { masked_embedding, lm_head, model } = this;
    if (masked_embedding !== undefined) return masked_embedding.forward(h, model.embed_tokens);
    const logits = lm_head === undefined ? model.embed_tokens.asLinear(h) : lm_head.forward(h); // [1, 1, V]
    return mx.squeeze(logits, 1);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new Gemma4Assistant(c),
  sanitize: [
    map(/token_ordering$/, [cast(mx.int32)]),
    drop(/^lm_head\./, (c: Config) => c.tie_word_embeddings),
  ],
});
