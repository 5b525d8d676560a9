/** LayerNorm, clipped gates, scaled embeddings and logits; attention by blocks in some layers. @see mlx-lm 0.32.2 models/phi3small.py */
import { attention, mergeHeads, splitGroupedHeads } from "../blocks/attention.ts";
import { type BlockSparsity, blockSparseMask } from "../blocks/block-sparse-mask.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import type { Mask } from "../blocks/mask.ts";
import { heldOffset } from "../blocks/positions.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, LayerNorm, Linear, Module, type PositionEmbedding, RoPE } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropHead, dropRotaryTables } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  /** The first of every so many layers attends by blocks. */
  dense_attention_every_n_layers: int.required(),
  ff_intermediate_size: int.required(),
  gegelu_limit: number.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  layer_norm_epsilon: number.required(),
  vocab_size: int.required(),
  num_key_value_heads: int.required(),
  mup_attn_multiplier: number.default(1),
  mup_use_scaling: bool.default(true),
  mup_embedding_multiplier: number.nullable(10),
  mup_width_multiplier: number.nullable(8),
  rope_embedding_base: number.default(1000000),
  rope_position_scale: number.default(1),
  rope_scaling: record.optional(), // mlx-lm scales nothing else
  blocksparse_block_size: int.default(64),
  blocksparse_num_local_blocks: int.default(16),
  blocksparse_vert_stride: int.default(8),
  blocksparse_homo_head_pattern: oneOf(false).optional(),
  blocksparse_triton_kernel_block_size: int.optional(),
  attention_bias: oneOf(true).optional(),
  hidden_act: oneOf("gegelu").optional(),
  tie_word_embeddings: oneOf(true).optional(),
  dummy_token_indices: list(int.required()).optional(), // those of dummyTokens
  original_max_position_embeddings: int.optional(),
  // how other programs lay weights out, and what training drops
  reorder_weights: bool.optional(),
  gegelu_pad_to_256: bool.optional(),
  ff_dim_multiplier: number.optional(),
  attention_dropout_prob: number.optional(),
  embedding_dropout_prob: number.optional(),
  ffn_dropout_prob: number.optional(),
};
type Config = Infer<typeof config>;

/** Ids of the vocabulary that stand for nothing and must not be drawn. */
const dummyTokens = [
  100256,
  100258,
  100259,
  100260,
  100264,
  100265,
  ...Array.from({ length: 85 }, (_, i) => 100267 + i),
];

/** How a layer attends by blocks; undefined where it attends to everything. */
const sparsity = (c: Config, layer: number): BlockSparsity | undefined => {
  if (layer % c.dense_attention_every_n_layers !== 0) return undefined;
  const blockSize = c.blocksparse_block_size;
  if (blockSize !== 32 && blockSize !== 64) {
    throw new ConfigError(
      `config.json: expected 32 or 64 for blocksparse_block_size but received ${blockSize}`,
    );
  }
  return { blockSize, localBlocks: c.blocksparse_num_local_blocks, stride: c.blocksparse_vert_stride };
};

class Attention extends Module {
  query_key_value: Linear;
  dense: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;
  readonly #sparsity: BlockSparsity | undefined;

  constructor(c: Config, layer: number) {
    super();
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    const D = Math.floor(c.hidden_size / this.#H);
    this.#scale = 1 / (c.mup_use_scaling ? D / c.mup_attn_multiplier : Math.sqrt(D));
    this.#rope = new RoPE(D, { base: c.rope_embedding_base, scale: c.rope_position_scale });
    this.#sparsity = sparsity(c, layer);
    this.query_key_value = new Linear(c.hidden_size, (this.#H + 2 * this.#K) * D);
    this.dense = new Linear(c.hidden_size, c.hidden_size);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const [q, k, v] = splitGroupedHeads(this.query_key_value.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const offset = heldOffset(cache.offset);
    const turned = this.#rope.forward(q, offset); // [B, H, L, D]
    const [keys, values] = cache.updateAndFetch(this.#rope.forward(k, offset), v); // [B, K, S, D]
    const blocks = this.#sparsity && blockSparseMask(this.#H, offset, L, keys.dim(2), this.#sparsity);
    const out = attention(turned, keys, values, { scale: this.#scale, mask: blocks ?? mask }); // [B, H, L, D]
    return this.dense.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

/** Gates at even features, what they gate at odd ones; both clipped, and one added to the latter. */
class MLP extends Module {
  up_proj: Linear;
  down_proj: Linear;
  readonly #limit: number;

  constructor(c: Config) {
    super();
    this.up_proj = new Linear(c.hidden_size, 2 * c.ff_intermediate_size);
    this.down_proj = new Linear(c.ff_intermediate_size, c.hidden_size);
    this.#limit = c.gegelu_limit;
  }

  forward(x: MxArray): MxArray {
    const both = this.up_proj.forward(x); // [B, L, 2 F]
    const [gates, lines] = [mx.index(both, "...", [0, null, 2]), mx.index(both, "...", [1, null, 2])];
    const gate = mx.where(mx.isinf(gates), gates, mx.minimum(gates, this.#limit)); // [B, L, F]
    const line = mx.where(mx.isinf(lines), lines, mx.clip(lines, -this.#limit, this.#limit));
    const open = mx.multiply(gate, mx.sigmoid(gate.multiply(1.702)));
    return this.down_proj.forward(mx.multiply(open, line.add(1))); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.layer_norm_epsilon });

class Phi3SmallDecoder extends DecoderFrame<PreNormBlock> {
  embed_tokens: Embedding;
  layers: PreNormBlock[];
  final_layernorm: LayerNorm;
  readonly #multiplier: number;

  constructor(c: Config) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from(
      { length: c.num_hidden_layers },
      (_, i) => new PreNormBlock(new Attention(c, i), new MLP(c), () => layerNorm(c)),
    );
    this.final_layernorm = layerNorm(c);
    this.#multiplier = c.mup_embedding_multiplier || 1;
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly PreNormBlock[] {
    return this.layers;
  }

  protected get lastNorm(): LayerNorm {
    return this.final_layernorm;
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#multiplier);
  }
}

class Phi3SmallModel extends CausalLM<Phi3SmallDecoder> {
  readonly #divisor: number;
  readonly #isDummy: MxArray | undefined;

  constructor(c: Config) {
    super({ ...c, tie_word_embeddings: true }, new Phi3SmallDecoder(c));
    this.#divisor = c.mup_width_multiplier || 1;
    const dummies = new Set(dummyTokens);
    if (c.vocab_size <= Math.min(...dummies)) return;
    this.#isDummy = mx.keep(
      mx.array(
        Array.from({ length: c.vocab_size }, (_, id) => dummies.has(id)),
        mx.bool_,
      ),
    );
  }

  protected override logits(h: MxArray): MxArray {
    const logits = super.logits(h).divide(this.#divisor);
    return this.#isDummy === undefined ? logits : mx.where(this.#isDummy, Number.NEGATIVE_INFINITY, logits);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new Phi3SmallModel(c),
  sanitize: [dropRotaryTables, dropHead],
});
