/** DeepSeek 4.1: several residual streams, a window of rows and rows that stand for groups of positions. @see mlx-lm 0.32.2 models/deepseek_v41.py */
import { mergeHeads, splitHeads } from "../blocks/attention.ts";
import { HeadedLM } from "../blocks/causal-lm.ts";
import { attendToChosen, type Choosable, windowRows } from "../blocks/chosen-rows.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { fakeFp8 } from "../blocks/fake-quantize.ts";
import { collapseStreams, expandStreams, HyperConnection } from "../blocks/hyper-connection.ts";
import { LimitedMoe } from "../blocks/limited-moe.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { yarnWavelengths } from "../blocks/rope-wavelengths.ts";
import { Compressor, Indexer, type PassState, slots } from "../blocks/row-compression.ts";
import { SwitchLinear } from "../blocks/switch-linear.ts";
import { TailRope } from "../blocks/tail-rope.ts";
import { ArraysCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError, InvalidArgumentError } from "../errors.ts";
import { Embedding, Linear, Module, RMSNorm } from "../nn/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf, parseConfig, record } from "./config.ts";
import { rules } from "./deepseek_v41-rules.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";

const layerIds = list(int.required()).default([]);

const config = {
  vocab_size: int.default(129280),
  hidden_size: int.default(5120),
  num_hidden_layers: int.default(40),
  num_attention_heads: int.default(64),
  head_dim: int.default(512),
  q_lora_rank: int.default(1280),
  qk_rope_head_dim: int.default(64),
  o_groups: int.default(8),
  o_lora_rank: int.default(1024),
  moe_intermediate_size: int.default(2304),
  n_routed_experts: int.default(384),
  num_experts_per_tok: int.default(6),
  scoring_func: oneOf("sqrtsoftplus", "sigmoid", "softmax").default("sqrtsoftplus"),
  gate_temp: number.default(1),
  norm_topk_prob: bool.default(true),
  routed_scaling_factor: number.default(1.5),
  swiglu_limit: number.default(10),
  rms_norm_eps: number.default(1e-20),
  sliding_window: int.default(128),
  compress_ratios: layerIds, // positions that one row of a layer stands for; 0 for a window alone
  kv_source_layer_ids: layerIds,
  index_source_layer_ids: layerIds,
  compress_rope_theta: number.default(160000),
  candidate_source_layer_id: number.default(-1),
  candidate_topk_blocks: int.default(2048),
  candidate_block_size: int.default(8),
  index_n_heads: int.default(32),
  index_head_dim: int.default(128),
  index_topk: int.default(512),
  rope_theta: number.default(10000),
  rope_scaling: record.optional(),
  max_position_embeddings: int.default(1048576),
  hc_mult: int.default(4),
  hc_sinkhorn_iters: int.default(20),
  hc_eps: number.default(1e-6),
  engram_layer_ids: layerIds,
};
type Config = Infer<typeof config>;

const ratioOf = (c: Config, layer: number): number => c.compress_ratios[layer] ?? 0;

const ropeOf = (c: Config, layer: number): TailRope => {
  const dims = c.qk_rope_head_dim;
  if (ratioOf(c, layer) === 0) return new TailRope(dims, yarnWavelengths(dims, c.rope_theta, { factor: 1 }));
  const { factor = 1, beta_fast = 32, beta_slow = 1, ...scaling } = c.rope_scaling ?? {};
  const trained = scaling.original_max_position_embeddings ?? c.max_position_embeddings;
  const settings = { factor, beta_fast, beta_slow, original_max_position_embeddings: trained };
  return new TailRope(dims, yarnWavelengths(dims, c.compress_rope_theta, settings));
};

class Attention extends Module {
  q_a_proj: Linear;
  q_a_norm: RMSNorm;
  q_b_proj: Linear;
  kv_proj: Linear;
  kv_norm: RMSNorm;
  o_a_proj: SwitchLinear;
  o_b_proj: Linear;
  sinks: MxArray;
  declare compressor?: Compressor;
  declare indexer?: Indexer;
  readonly #c: Config;
  readonly #ratio: number;
  readonly #rope: TailRope;

  constructor(c: Config, layer: number) {
    super();
    const { hidden_size: E, num_attention_heads: H, head_dim: D, o_groups, o_lora_rank } = c;
    this.q_a_proj = new Linear(E, c.q_lora_rank, false);
    this.q_a_norm = new RMSNorm(c.q_lora_rank, c.rms_norm_eps);
    this.q_b_proj = new Linear(c.q_lora_rank, H * D, false);
    this.kv_proj = new Linear(E, D, false);
    this.kv_norm = new RMSNorm(D, c.rms_norm_eps);
    this.o_a_proj = new SwitchLinear((H * D) / o_groups, o_lora_rank, o_groups);
    this.o_b_proj = new Linear(o_groups * o_lora_rank, E, false);
    this.sinks = mx.zeros([H]);
    this.#c = c;
    this.#ratio = ratioOf(c, layer);
    this.#rope = ropeOf(c, layer);
    const isSource = c.kv_source_layer_ids.includes(layer);
    const compression = { ...c, ratio: this.#ratio, rope: this.#rope };
    if (isSource) this.compressor = new Compressor(compression);
    if (c.index_source_layer_ids.includes(layer)) {
      const isCandidateSource = layer === c.candidate_source_layer_id;
      this.indexer = new Indexer({ ...compression, isSource, isCandidateSource });
    }
  }

  /**
   * @param x - `[B, L, E]`, the first of the L at `start`
   * @param seen - the rows of the window that each position sees, `[B, L, k]`
   * @param pass - what earlier layers hand on
   */
  forward(x: MxArray, start: number, seen: MxArray, cache: LayerCache, pass: PassState): MxArray {
    const [B = 1, L = 1] = x.shape;
    const { num_attention_heads: H, head_dim: D } = this.#c;
    const squeezed = this.q_a_norm.forward(this.q_a_proj.forward(x)); // [B, L, q_lora_rank]
    const q = this.#rope.forward(splitHeads(this.q_b_proj.forward(squeezed), B, L, H), start); // [B, H, L, D]
    const row = mx.expandDims(this.kv_norm.forward(this.kv_proj.forward(x)), 1); // [B, 1, L, D]
    const rows = fakeFp8(mx.squeeze(this.#rope.forward(row, start), 1)); // [B, L, D]
    const sources: Choosable[] = [[this.#remember(rows, cache), seen]];
    if (this.#ratio > 0) {
      const latents = this.compressor?.forward(x, start, cache, pass);
      this.indexer?.forward(x, squeezed, { start, cache, pass, latents });
      if (pass.rows !== undefined && pass.chosen !== undefined) sources.push([pass.rows, pass.chosen]);
    }
    const out = attendToChosen(q, sources, { scale: D ** -0.5, sinks: this.sinks }); // [B, H, L, D]
    return this.#output(this.#rope.forward(out, start, { isInverse: true }));
  }

  /** The window with new rows, of which the cache keeps the last. */
  #remember(rows: MxArray, cache: LayerCache): MxArray {
    const before = cache.arrays.get(slots.window);
    const window = before === undefined ? rows : mx.concatenate([before, rows], 1);
    const N = window.dim(1);
    cache.arrays.set(slots.window, mx.index(window, [], [Math.max(0, N - this.#c.sliding_window), N]));
    cache.arrays.advance(rows.dim(1));
    return window;
  }

  /** `[B, H, L, D] -> [B, L, E]`: groups of heads, each by a projection of its own, then all. */
  #output(out: MxArray): MxArray {
    const [B = 1, , L = 1] = out.shape;
    const { o_groups } = this.#c;
    const groups = mx.reshape(mergeHeads(out, B, L), [B * L, o_groups, 1, -1]);
    const narrow = this.o_a_proj.forward(groups, mx.reshape(mx.arange(0, o_groups), [1, o_groups])); // [B L, G, 1, R]
    return this.o_b_proj.forward(mx.reshape(narrow, [B, L, -1]));
  }
}

/** What layers hand to one another: streams `[B, L, N, E]`, and what the next branch sees of each, `[B, L, N]`. */
type Flow = [streams: MxArray, pre: MxArray];

class Block extends Module {
  self_attn: Attention;
  mlp: LimitedMoe;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;
  attn_hc: HyperConnection;
  ffn_hc: HyperConnection;

  constructor(c: Config, layer: number) {
    super();
    this.self_attn = new Attention(c, layer);
    this.mlp = new LimitedMoe(c);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.attn_hc = new HyperConnection(c);
    this.ffn_hc = new HyperConnection(c);
  }

  forward([streams, pre]: Flow, start: number, seen: MxArray, cache: LayerCache, pass: PassState): Flow {
    const attention = this.attn_hc.mixing(streams);
    const x = this.input_layernorm.forward(collapseStreams(streams, pre)); // [B, L, E]
    const h = expandStreams(this.self_attn.forward(x, start, seen, cache, pass), streams, attention);
    const feedForward = this.ffn_hc.mixing(h);
    const y = this.post_attention_layernorm.forward(collapseStreams(h, attention.pre)); // [B, L, E]
    return [expandStreams(this.mlp.forward(y), h, feedForward), feedForward.pre];
  }
}

class Body extends Module implements DecoderBody {
  embed_tokens: Embedding;
  layers: Block[];
  norm: Norm;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => new Block(c, i));
    this.norm = rmsNorm(c);
    this.#c = c;
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    const x = embeddings ?? this.embed_tokens.forward(tokens); // [B, L, E]
    const [B = 1, L = 1, E = 1] = x.shape;
    const { hc_mult: N, sliding_window } = this.#c;
    const { offset: start, arrays } = layerCache(cache, 0);
    if (typeof start !== "number")
      throw new InvalidArgumentError("Rows of different lengths need a cache each");
    const window = windowRows(arrays.get(slots.window)?.dim(1) ?? 0, L, sliding_window); // the same in all layers
    const seen = mx.broadcastTo(window, [B, ...window.shape]);
    const first = mx.equal(mx.arange(0, N), 0).astype(mx.float32);
    let flow: Flow = [mx.broadcastTo(mx.expandDims(x, 2), [B, L, N, E]), mx.broadcastTo(first, [B, L, N])];
    const pass: PassState = {};
    this.layers.forEach((layer, i) => {
      flow = layer.forward(flow, start, seen, layerCache(cache, i), pass);
    });
    return this.norm.forward(collapseStreams(...flow));
  }

  makeCache(): LayerCache[] {
    return this.layers.map(() => new ArraysCache(Object.keys(slots).length, { hasRows: true }));
  }
}

class DeepseekV41Model extends HeadedLM<Body> {
  model: Body;
  override lm_head: Linear;

  constructor(c: Config) {
    if (c.engram_layer_ids.length > 0) {
      throw new ConfigError("config.json: engram_layer_ids is not empty; engram memory is not supported");
    }
    super();
    this.model = new Body(c);
    this.lm_head = new Linear(c.hidden_size, c.vocab_size, false);
  }

  protected get body(): Body {
    return this.model;
  }

  /** Rows compress groups of positions counted from their first token, so all would have to start together. */
  override makeBatchCache(): undefined {
    return undefined;
  }
}

const text = defineArchitecture({
  config,
  create: (c) => new DeepseekV41Model(c),
  sanitize: rules,
});

export const architecture: Architecture = {
  bind: (raw) => text.bind(parseConfig({ text_config: record.default(raw) }, raw).config.text_config),
};
