/** MiniMax with vision: text alone. Some layers choose the blocks of keys they attend to. @see mlx-lm 0.32.2 models/minimax_m3_vl.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { Decoder } from "../blocks/causal-lm.ts";
import { CorrectedMoe } from "../blocks/corrected-moe.ts";
import type { DecoderBlock } from "../blocks/decoder-frame.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { type BlockIndexer, chooseBlocks } from "../blocks/key-blocks.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, offsetRmsNorm, rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { SparseBlock } from "../blocks/sparse-block.ts";
import { CacheList, KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { type GatedActivation, Linear, Module, type PositionEmbedding, swigluOai } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackMixtralExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, object, oneOf, record, string } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { map, rename, splitInto, whenPresent } from "./sanitize-rules.ts";
import { squeezed, viewed } from "./tensor-change.ts";
import { wrapText } from "./wrap-text.ts";

const indexer = {
  sparse_num_index_heads: int.optional(),
  sparse_index_dim: int.optional(),
  sparse_block_size: int.optional(),
  sparse_topk_blocks: int.optional(),
  sparse_local_block: int.optional(),
  sparse_attention_freq: list(int.required()).optional(),
  use_sparse_attention: oneOf(true).optional(),
  sparse_score_type: oneOf("max").optional(),
  sparse_init_block: oneOf(0).optional(),
  sparse_disable_index_value: list(int.required()).optional(), // the indexer scores keys and has no values
};

const config = {
  hidden_size: int.default(6144),
  intermediate_size: int.default(3072),
  dense_intermediate_size: int.default(12288),
  shared_intermediate_size: int.default(3072),
  num_attention_heads: int.default(64),
  num_key_value_heads: int.default(4),
  num_hidden_layers: int.default(60),
  num_local_experts: int.default(128),
  num_experts_per_tok: int.default(4),
  max_position_embeddings: int.default(1048576),
  rms_norm_eps: number.default(1e-6),
  rope_theta: number.default(5000000),
  rope_parameters: record.default({}),
  head_dim: int.default(128),
  rotary_dim: int.optional(),
  partial_rotary_factor: number.default(0.5),
  vocab_size: int.default(200064),
  tie_word_embeddings: bool.default(false),
  routed_scaling_factor: number.default(2),
  use_qk_norm: bool.default(true),
  use_gemma_norm: bool.default(true),
  swiglu_alpha: number.default(1.702),
  swiglu_limit: number.default(7),
  mlp_layer_types: list(oneOf("dense", "sparse").required()).optional(),
  moe_layer_freq: list(int.required()).optional(), // 1 where a layer has experts; mlp_layer_types in newer configs
  layer_types: list(string.required()).optional(), // other than full_attention: layers that choose
  /** The settings of the indexer, which newer configs spell flat. */
  sparse_attention_config: object(indexer).optional(),
  sparse_attention_freq: list(int.required()).optional(), // 1 where a layer chooses; layer_types in newer configs
  index_n_heads: int.optional(),
  index_head_dim: int.optional(),
  index_block_size: int.optional(),
  index_topk_blocks: int.optional(),
  index_local_blocks: int.default(1),
  n_shared_experts: oneOf(1).optional(), // of shared_intermediate_size
  qk_norm_type: oneOf("per_head").optional(),
  attention_output_gate: oneOf(false).optional(),
  scoring_func: oneOf("sigmoid").optional(),
  use_routing_bias: oneOf(true).optional(),
  hidden_act: oneOf("silu", "swigluoai").optional(), // always swigluoai
};
type Config = Infer<typeof config>;

const indexerOf = (c: Config): BlockIndexer | undefined => {
  const nested = c.sparse_attention_config;
  const blockSize = nested?.sparse_block_size ?? c.index_block_size;
  if (blockSize === undefined) return undefined;
  const heads = nested?.sparse_num_index_heads ?? c.index_n_heads;
  const dims = nested?.sparse_index_dim ?? c.index_head_dim;
  const kept = nested?.sparse_topk_blocks ?? c.index_topk_blocks;
  if (heads === undefined || dims === undefined || kept === undefined) {
    throw new ConfigError(
      "config.json: index_block_size needs index_n_heads, index_head_dim, index_topk_blocks",
    );
  }
  return { heads, dims, blockSize, kept, local: nested?.sparse_local_block ?? c.index_local_blocks };
};

const isSparseAttention = (c: Config, layer: number): boolean => {
  if (c.layer_types !== undefined) return c.layer_types[layer] !== "full_attention";
  const freq = c.sparse_attention_config?.sparse_attention_freq ?? c.sparse_attention_freq;
  return freq === undefined || freq[layer] !== 0;
};

const hasExperts = (c: Config, layer: number): boolean => {
  if (c.mlp_layer_types !== undefined) return c.mlp_layer_types[layer] === "sparse";
  return c.moe_layer_freq === undefined || c.moe_layer_freq[layer] !== 0;
};

const makeNorm = (c: Config, dims: number): Norm => {
  const sizes = { ...c, hidden_size: dims };
  return c.use_gemma_norm ? offsetRmsNorm(sizes) : rmsNorm(sizes);
};

const m3Rope = (c: Config, limit = Number.POSITIVE_INFINITY): PositionEmbedding => {
  const part = Number(c.rope_parameters.partial_rotary_factor ?? c.partial_rotary_factor);
  return createRope({
    dims: Math.min(c.rotary_dim ?? Math.trunc(c.head_dim * part), limit),
    base: Number(c.rope_parameters.rope_theta ?? c.rope_theta),
    scaling: c.rope_parameters,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
};

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  declare q_norm?: Norm;
  declare k_norm?: Norm;
  declare index_q_proj?: Linear;
  declare index_k_proj?: Linear;
  declare index_q_norm?: Norm;
  declare index_k_norm?: Norm;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;
  readonly #indexer: (BlockIndexer & { rope: PositionEmbedding }) | undefined;

  constructor(c: Config, settings: BlockIndexer | undefined) {
    super();
    const { hidden_size: dims, head_dim: D } = c;
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.q_proj = new Linear(dims, this.#H * D, false);
    this.k_proj = new Linear(dims, this.#K * D, false);
    this.v_proj = new Linear(dims, this.#K * D, false);
    this.o_proj = new Linear(this.#H * D, dims, false);
    if (c.use_qk_norm) {
      this.q_norm = makeNorm(c, D);
      this.k_norm = makeNorm(c, D);
    }
    this.#scale = D ** -0.5;
    this.#rope = m3Rope(c);
    this.#indexer = settings && { ...settings, rope: m3Rope(c, settings.dims) };
    if (settings === undefined) return;
    this.index_q_proj = new Linear(dims, settings.heads * settings.dims, false);
    this.index_k_proj = new Linear(dims, settings.dims, false);
    this.index_q_norm = makeNorm(c, settings.dims);
    this.index_k_norm = makeNorm(c, settings.dims);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const own = cache.part(0);
    const chosen = this.#chooseKeys(x, mask, cache); // before the cache moves on
    const turned = (heads: MxArray, norm: Norm | undefined) =>
      this.#rope.forward(norm?.forward(heads) ?? heads, own.offset);
    const q = turned(splitHeads(this.q_proj.forward(x), B, L, this.#H), this.q_norm); // [B, H, L, D]
    const k = turned(splitHeads(this.k_proj.forward(x), B, L, this.#K), this.k_norm); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, this.#K); // [B, K, L, D]
    const [keys, values] = own.updateAndFetch(k, v); // [B, K, S, D]
    const out = attention(q, keys, values, { scale: this.#scale, mask: chosen }); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }

  /** The mask, narrowed to the blocks of keys whose best score is among the highest of a query. */
  #chooseKeys(x: MxArray, mask: Mask, cache: LayerCache): Mask {
    const indexer = this.#indexer;
    const { index_q_proj, index_q_norm } = this;
    if (indexer === undefined || index_q_proj === undefined || index_q_norm === undefined) return mask;
    const { heads, rope } = indexer;
    const [B = 1, L = 1] = x.shape;
    const { offset } = cache.part(0);
    const keys = this.#indexKeys(x, rope, cache); // [B, 1, S, D]
    if (indexer.kept >= Math.ceil(keys.dim(2) / indexer.blockSize)) return mask;
    const q = index_q_norm.forward(splitHeads(index_q_proj.forward(x), B, L, heads)); // [B, H, L, D]
    const chosen = chooseBlocks(rope.forward(q, offset), keys, mask, indexer); // [B, H, L, S]
    return mx.repeat(chosen, this.#H / heads, 1);
  }

  /** The keys of the indexer, which it caches even while it drops nothing: later steps need them. */
  #indexKeys(x: MxArray, rope: PositionEmbedding, cache: LayerCache): MxArray {
    const { index_k_proj, index_k_norm } = this;
    if (index_k_proj === undefined || index_k_norm === undefined) return x;
    const [B = 1, L = 1] = x.shape;
    const k = index_k_norm.forward(splitHeads(index_k_proj.forward(x), B, L, 1)); // [B, 1, L, D]
    const turned = rope.forward(k, cache.part(0).offset);
    const noValues = mx.zeros([B, 1, L, 0], turned.dtype);
    return cache.part(1).updateAndFetch(turned, noValues)[0];
  }
}

const makeExperts = (c: Config, join: GatedActivation): CorrectedMoe =>
  new CorrectedMoe(
    {
      hidden_size: c.hidden_size,
      experts: c.num_local_experts,
      width: c.intermediate_size,
      sharedWidth: c.shared_intermediate_size,
      join,
    },
    { k: c.num_experts_per_tok, score: "sigmoid", isNormed: true, scale: c.routed_scaling_factor },
  );

const makeBlock = (c: Config, layer: number): DecoderBlock => {
  const join = swigluOai(c.swiglu_alpha, c.swiglu_limit);
  const attends = new Attention(c, isSparseAttention(c, layer) ? indexerOf(c) : undefined);
  const norm = () => makeNorm(c, c.hidden_size);
  return hasExperts(c, layer)
    ? new SparseBlock(attends, makeExperts(c, join), norm)
    : new PreNormBlock(attends, new GatedMLP(c.hidden_size, c.dense_intermediate_size, { join }), norm);
};

/** Blocks are cut where a cache starts, so padding would move them: no batches of different lengths. */
class SingleRowCache extends CacheList {
  override toBatch(): undefined {
    return undefined;
  }

  override fork(): LayerCache | undefined {
    const parts = this.forkParts();
    return parts && new SingleRowCache(...parts);
  }
}

class M3Decoder extends Decoder {
  readonly #choosing: readonly boolean[];

  constructor(c: Config) {
    super(c, (layer) => makeBlock(c, layer), makeNorm(c, c.hidden_size));
    const hasIndexer = indexerOf(c) !== undefined;
    this.#choosing = this.layers.map((_, i) => hasIndexer && isSparseAttention(c, i));
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = layerCache(cache, 0).part(0).makeMask(L);
    return () => mask;
  }

  /** A layer that chooses remembers the keys of its indexer too. */
  override makeCache(): LayerCache[] {
    const List = this.#choosing.includes(true) ? SingleRowCache : CacheList;
    return this.#choosing.map((chooses) => new List(new KVCache(), ...(chooses ? [new KVCache()] : [])));
  }
}

/** Some conversions have the shared expert behind the others. */
const unfoldShared = splitInto<Config>(
  /switch_mlp\.(?=(gate_up|gate|up|down)_proj\.)/,
  ["switch_mlp.", "shared_experts."],
  {
    sizes: (c) => [c.num_local_experts, 1],
    when: (shape, c) => shape[0] === c.num_local_experts + 1,
  },
);

const text = defineArchitecture({
  config,
  create: (c) => new GatedCausalLM(c, new M3Decoder(c), "block_sparse_moe.gate"),
  sanitize: [
    dropTiedHead,
    // e4m3 bytes with an exponent per 32 of them are MLX's mxfp8
    whenPresent(/\.weight_scale_inv$/, [
      map(/\.weight$/, [viewed(mx.uint32)], (_, __, dtype) => dtype === mx.uint8),
      rename(/\.weight_scale_inv$/, ".scales"),
    ]),
    rename(/block_sparse_moe\.(?=(gate|up|down)_proj\.)/, "mlp."),
    unfoldShared,
    map(/shared_experts\./, [squeezed(0)], (shape) => shape.length === 3),
    splitInto(/(?<=switch_mlp\.|shared_experts\.)gate_up_proj\./, ["gate_proj.", "up_proj."], { axis: -2 }),
    ...stackMixtralExperts,
  ],
});

export const architecture = wrapText(text, /^(vision_tower|multi_modal_projector|patch_merge_mlp)\./);
