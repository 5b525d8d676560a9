/**
 * BART, the language model of Florence 2: an encoder reads the prompt, a decoder that attends across to it writes the
 * answer. Norms come after what they norm; positions are learned.
 *
 * @see mlx-vlm 0.7.10 models/florence2/language.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { Mask } from "../blocks/mask.ts";
import { positionsFrom } from "../blocks/positions.ts";
import { CacheList, CrossCache, type HeldStates, KVCache, type LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { Embedding, gelu, LayerNorm, Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { type ForwardOptions, LanguageModel, layerCache, type PromptEncoder } from "./language-model.ts";
import { derive, drop } from "./sanitize-rules.ts";

/** Rows before that of the first position. */
const POSITION_OFFSET = 2;
/** Of a decoder layer's cache: its own tokens, and the prompt. */
const [OWN, PROMPT] = [0, 1];

const config = {
  d_model: int.default(768),
  vocab_size: int.default(51289),
  max_position_embeddings: int.default(1024),
  encoder_layers: int.default(6),
  decoder_layers: int.default(6),
  encoder_attention_heads: int.default(12),
  decoder_attention_heads: int.default(12),
  encoder_ffn_dim: int.default(3072),
  decoder_ffn_dim: int.default(3072),
  decoder_start_token_id: int.default(2),
  forced_bos_token_id: int.nullable(0),
  activation_function: oneOf("gelu").optional(),
  scale_embedding: oneOf(false).optional(),
  normalize_before: oneOf(false).optional(),
  add_final_layer_norm: oneOf(false).optional(),
  is_encoder_decoder: oneOf(true).optional(),
  // they follow from others, or belong to training, to tokenizers and to other uses of BART
  activation_dropout: number.optional(),
  add_bias_logits: oneOf(false).optional(),
  add_bos_token: bool.optional(),
  classif_dropout: number.optional(),
  classifier_dropout: number.optional(),
  decoder_layerdrop: number.optional(),
  dropout: number.optional(),
  encoder_layerdrop: number.optional(),
  id2label: record.optional(),
  init_std: number.optional(),
  label2id: record.optional(),
  num_hidden_layers: int.optional(),
  num_labels: int.optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  k_proj: Linear;
  v_proj: Linear;
  q_proj: Linear;
  out_proj: Linear;
  readonly #H: number;

  constructor(dims: number, heads: number) {
    super();
    this.k_proj = new Linear(dims, dims);
    this.v_proj = new Linear(dims, dims);
    this.q_proj = new Linear(dims, dims);
    this.out_proj = new Linear(dims, dims);
    this.#H = heads;
  }

  #heads(layer: Linear, x: MxArray): MxArray {
    return splitHeads(layer.forward(x), x.dim(0), x.dim(1), this.#H);
  }

  /** Of what is attended to, `[B, H, S, D]` of `[B, S, E]`. */
  keysAndValues(x: MxArray): [MxArray, MxArray] {
    return [this.#heads(this.k_proj, x), this.#heads(this.v_proj, x)];
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray, [keys, values]: readonly [MxArray, MxArray], mask?: Mask): MxArray {
    const [B = 1, L = 1, E = 1] = x.shape;
    const scale = (E / this.#H) ** -0.5;
    const mixed = attention(this.#heads(this.q_proj, x), keys, values, { scale, mask });
    return this.out_proj.forward(mergeHeads(mixed, B, L));
  }
}

/** What layers of both sides have: attention to their own side, and two layers with GELU between. */
abstract class Layer extends Module {
  self_attn: Attention;
  self_attn_layer_norm: LayerNorm;
  fc1: Linear;
  fc2: Linear;
  final_layer_norm: LayerNorm;

  constructor(dims: number, heads: number, hiddenDims: number) {
    super();
    this.self_attn = new Attention(dims, heads);
    this.self_attn_layer_norm = new LayerNorm(dims);
    this.fc1 = new Linear(dims, hiddenDims);
    this.fc2 = new Linear(hiddenDims, dims);
    this.final_layer_norm = new LayerNorm(dims);
  }

  protected feed(x: MxArray): MxArray {
    return this.final_layer_norm.forward(add(x, this.fc2.forward(gelu(this.fc1.forward(x)))));
  }
}

class EncoderLayer extends Layer {
  constructor(c: Config) {
    super(c.d_model, c.encoder_attention_heads, c.encoder_ffn_dim);
  }

  forward(x: MxArray): MxArray {
    const attended = this.self_attn.forward(x, this.self_attn.keysAndValues(x)); // [B, L, E]
    return this.feed(this.self_attn_layer_norm.forward(add(x, attended)));
  }
}

class DecoderLayer extends Layer {
  encoder_attn: Attention;
  encoder_attn_layer_norm: LayerNorm;

  constructor(c: Config) {
    super(c.d_model, c.decoder_attention_heads, c.decoder_ffn_dim);
    this.encoder_attn = new Attention(c.d_model, c.decoder_attention_heads);
    this.encoder_attn_layer_norm = new LayerNorm(c.d_model);
  }

  /** Takes what all tokens from here on see of the prompt, `[B, S, E]`. */
  hold(states: MxArray, cache: LayerCache): void {
    cache.part(PROMPT).hold?.(...this.encoder_attn.keysAndValues(states));
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const past = cache.part(OWN).updateAndFetch(...this.self_attn.keysAndValues(x));
    const h = this.self_attn_layer_norm.forward(add(x, this.self_attn.forward(x, past, mask))); // [B, L, E]
    const { keys, values, mask: shown } = promptOf(cache);
    const seen = this.encoder_attn.forward(h, [keys, values], shown); // [B, L, E]
    return this.feed(this.encoder_attn_layer_norm.forward(add(h, seen)));
  }
}

const promptOf = (cache: LayerCache): HeldStates => {
  const held = cache.part(PROMPT).held?.();
  if (held === undefined) throw new InvalidArgumentError("The decoder has no prompt: give it states first");
  return held;
};

/** What both sides add to embeddings before their layers. */
class Side<L extends Module> extends Module {
  embed_positions: Embedding;
  layernorm_embedding: LayerNorm;
  layers: L[];

  constructor(c: Config, layers: L[]) {
    super();
    this.embed_positions = new Embedding(c.max_position_embeddings + POSITION_OFFSET, c.d_model);
    this.layernorm_embedding = new LayerNorm(c.d_model);
    this.layers = layers;
  }

  /** Embeddings `[B, L, E]` of tokens, the first at `offset`, with their positions. */
  place(x: MxArray, offset: number | MxArray): MxArray {
    const rows = positionsFrom(offset, x.dim(1)).add(POSITION_OFFSET);
    return this.layernorm_embedding.forward(add(x, this.embed_positions.forward(rows)));
  }
}

class Bart extends Module {
  shared: Embedding;
  encoder: Side<EncoderLayer>;
  decoder: Side<DecoderLayer>;

  constructor(c: Config) {
    super();
    this.shared = new Embedding(c.vocab_size, c.d_model);
    this.encoder = new Side(
      c,
      Array.from({ length: c.encoder_layers }, () => new EncoderLayer(c)),
    );
    this.decoder = new Side(
      c,
      Array.from({ length: c.decoder_layers }, () => new DecoderLayer(c)),
    );
  }
}

class BartLM extends LanguageModel {
  model: Bart;
  lm_head: Linear;
  readonly #promptEncoder: PromptEncoder;

  constructor(c: Config) {
    super();
    this.model = new Bart(c);
    this.lm_head = new Linear(c.d_model, c.vocab_size, false);
    const { decoder_start_token_id: start, forced_bos_token_id: first } = c;
    this.#promptEncoder = {
      start: first === undefined ? [start] : [start, first],
      maxLength: c.max_position_embeddings,
      encode: (embeddings) => this.#encode(embeddings),
    };
  }

  override get promptEncoder(): PromptEncoder {
    return this.#promptEncoder;
  }

  #encode(embeddings: MxArray): MxArray {
    const { encoder } = this.model;
    return encoder.layers.reduce((h, layer) => layer.forward(h), encoder.place(embeddings, 0));
  }

  override embed(tokens: MxArray): MxArray {
    return this.model.shared.forward(tokens);
  }

  get layers(): readonly DecoderLayer[] {
    return this.model.decoder.layers;
  }

  forward(tokens: MxArray, { cache, states, embeddings }: ForwardOptions = {}): MxArray {
    const caches = cache ?? this.makeCache();
    if (states !== undefined) {
      for (const [i, layer] of this.layers.entries()) layer.hold(states, layerCache(caches, i));
    }
    const own = layerCache(caches, 0).part(OWN);
    const mask = own.makeMask(tokens.dim(1));
    const x = this.model.decoder.place(embeddings ?? this.embed(tokens), own.offset); // [B, L, E]
    const h = this.layers.reduce((y, layer, i) => layer.forward(y, mask, layerCache(caches, i)), x);
    return this.lm_head.forward(h);
  }

  override makeCache(): LayerCache[] {
    return this.layers.map(() => new CacheList(new KVCache(), new CrossCache()));
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new BartLM(c),
  sanitize: [
    drop(/final_logits_bias$|(encoder|decoder)\.embed_tokens\.weight$/), // zeros that nothing trains; the shared table
    derive(/^model\.shared\./, "lm_head.", []),
  ],
});
