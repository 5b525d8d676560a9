/** LongCat Flash whose input also has embeddings of a token with those before it. @see mlx-lm 0.32.2 models/longcat_flash_ngram.py */
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { pairedCaches, pairedMask } from "../blocks/paired-decoder.ts";
import { ArraysCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Embedding, Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, oneOf } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";
import { Block, config as longcat, makeModel, rules } from "./longcat_flash.ts";
import { rename } from "./sanitize-rules.ts";

const config = {
  ...longcat,
  attention_method: oneOf("MLA").default("MLA"),
  zero_expert_type: oneOf("identity").default("identity"),
  attention_bias: bool.default(false),
  ngram_vocab_size_ratio: int.default(78),
  emb_neighbor_num: int.default(4),
  emb_split_num: int.default(4),
};
type Config = Infer<typeof config>;

/** The rows of n-grams, shared by those whose numbers are equal modulo the table's size. */
class Table {
  readonly embedder: Embedding;
  readonly projection: Linear;
  readonly #size: number;
  /** What a token and each before it, the nearest first, count in the number of an n-gram. */
  readonly #factors: number[] = [1];

  constructor(c: Config, size: number, { tokens, dims }: { tokens: number; dims: number }) {
    this.embedder = new Embedding(size, dims);
    this.projection = new Linear(dims, c.hidden_size, false);
    this.#size = size;
    while (this.#factors.length < tokens)
      this.#factors.push(((this.#factors.at(-1) ?? 1) * c.vocab_size) % size);
  }

  /** int64 `[B, L]` each, a token and those before it, to `[B, L, E]`. */
  forward(grams: readonly MxArray[]): MxArray {
    const digits = this.#factors.flatMap((factor, i) => grams[i]?.multiply(factor) ?? []);
    const number = digits.reduce((sum, digit) => mx.add(sum, digit));
    const row = mx.remainder(number, this.#size).astype(mx.int32); // [B, L]
    return this.projection.forward(this.embedder.forward(row));
  }
}

/** `emb_split_num` tables for each length of n-grams from 2 to `emb_neighbor_num`, each a little larger. */
const makeTables = (c: Config): Table[] => {
  const count = c.emb_split_num * (c.emb_neighbor_num - 1);
  const dims = Math.floor(c.hidden_size / count);
  return Array.from({ length: count }, (_, i) => {
    const size = c.ngram_vocab_size_ratio * c.vocab_size + 2 * i + 1;
    return new Table(c, size, { tokens: 2 + Math.floor(i / c.emb_split_num), dims });
  });
};

class NgramEmbedding extends Module {
  word_embeddings: Embedding;
  embedders: Embedding[];
  post_projs: Linear[];
  readonly #tables: readonly Table[];
  readonly #before: number;

  constructor(c: Config) {
    super();
    this.#tables = makeTables(c);
    this.#before = c.emb_neighbor_num - 1;
    this.word_embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.embedders = this.#tables.map(({ embedder }) => embedder);
    this.post_projs = this.#tables.map(({ projection }) => projection);
  }

  /** `[B, L] -> [B, L, E]`, the mean over words and n-grams. @param cache - keeps the last tokens */
  forward(tokens: MxArray, cache: LayerCache): MxArray {
    const grams = this.#grams(tokens, cache);
    const words = this.word_embeddings.forward(tokens); // [B, L, E]
    const sum = this.#tables.reduce((x, table) => mx.add(x, table.forward(grams)), words);
    return sum.divide(1 + this.#tables.length);
  }

  /** The tokens, those before them, and so on, int64 `[B, L]` each; 0 where there is none. */
  #grams(tokens: MxArray, { arrays }: LayerCache): MxArray[] {
    const [B = 1, L = 1] = tokens.shape;
    const before = this.#before;
    const isToken = arrays.makeMask(L); // [B, L]
    const ids = (isToken === undefined ? tokens : mx.where(isToken, tokens, 0)).astype(mx.int64);
    const context = mx.concatenate([arrays.get(0) ?? mx.zeros([B, before], mx.int64), ids], -1);
    arrays.set(0, mx.index(context, "...", [L, L + before]));
    arrays.advance(L);
    const starts = Array.from({ length: before + 1 }, (_, i) => before - i);
    return starts.map((start) => mx.index(context, "...", [start, start + L]));
  }
}

class NgramDecoder extends DecoderFrame<Block> {
  ngram_embeddings: NgramEmbedding;
  layers: Block[];
  norm: Norm;

  constructor(c: Config) {
    super();
    this.ngram_embeddings = new NgramEmbedding(c);
    this.layers = Array.from({ length: c.num_layers }, () => new Block(c));
    this.norm = rmsNorm(c);
  }

  get embedding(): Embedding {
    return this.ngram_embeddings.word_embeddings;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm;
  }

  /** The first cache is the embedding's. */
  override forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    const h = embeddings ?? this.ngram_embeddings.forward(tokens, layerCache(cache, 0)); // [B, L, E]
    return super.forward(tokens, { embeddings: h, ...(cache && { cache: cache.slice(1) }) });
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = pairedMask(L, cache);
    return () => mask;
  }

  override makeCache(): LayerCache[] {
    return [new ArraysCache(1), ...pairedCaches(this.layers)];
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => makeModel(c, new NgramDecoder(c)),
  sanitize: [...rules, rename(/^model\.embed_tokens\./, "model.ngram_embeddings.word_embeddings.")],
});
