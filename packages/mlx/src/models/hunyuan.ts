/** Llama whose layers share keys and values in groups, with a mixture of experts. @see mlx-lm 0.32.2 models/hunyuan.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { topExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { ntkAlphaRope } from "../blocks/rope.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import { KVCache, type LayerCache } from "../cache/index.ts";
import { add, float32, type MxArray, softmax } from "../core/index.ts";
import { Embedding, Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, ofLayer, oneOf, oneOrList, parseConfig, record } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";
import { map, splitInto } from "./sanitize-rules.ts";
import { reshaped } from "./tensor-change.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  attention_bias: bool.required(),
  moe_topk: oneOrList(int.required()).required(),
  num_experts: int.required(),
  num_shared_expert: oneOrList(int.required()).required(),
  use_mixed_mlp_moe: bool.required(),
  use_qk_norm: bool.required(),
  rms_norm_eps: number.required(),
  rope_theta: number.required(),
  use_cla: bool.required(),
  cla_share_factor: int.required(),
  moe_intermediate_size: oneOrList(int.required()).optional(),
  rope_scaling: record.required(),
  tie_word_embeddings: bool.optional(), // always tied
  mlp_bias: oneOf(false).optional(),
  norm_type: oneOf("rms").optional(),
  use_rotary_pos_emb: oneOf(true).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** Keys and values as projected, `[B, L, K * D]`. */
type KeyValues = readonly [k: MxArray, v: MxArray];

class Attention extends Module {
  q_proj: Linear;
  declare k_proj?: Linear;
  declare v_proj?: Linear;
  o_proj: Linear;
  declare query_layernorm?: RMSNorm;
  declare key_layernorm?: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  /** @param projects - whether the layer makes keys and values, or takes those of an earlier one */
  constructor(c: Config, projects: boolean) {
    super();
    const D = Math.floor(c.hidden_size / c.num_attention_heads);
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.q_proj = new Linear(c.hidden_size, this.#H * D, c.attention_bias);
    if (projects) {
      this.k_proj = new Linear(c.hidden_size, this.#K * D, c.attention_bias);
      this.v_proj = new Linear(c.hidden_size, this.#K * D, c.attention_bias);
    }
    this.o_proj = new Linear(this.#H * D, c.hidden_size, c.attention_bias);
    if (c.use_qk_norm) {
      this.query_layernorm = new RMSNorm(D, c.rms_norm_eps);
      this.key_layernorm = new RMSNorm(D, c.rms_norm_eps);
    }
    this.#scale = D ** -0.5;
    const { alpha } = parseConfig({ alpha: number.required() }, c.rope_scaling).config;
    this.#rope = ntkAlphaRope(D, c.rope_theta, alpha);
  }

  /** Keys and values of the layer's own; undefined where it makes none. */
  project(x: MxArray): KeyValues | undefined {
    if (this.k_proj === undefined || this.v_proj === undefined) return undefined;
    return [this.k_proj.forward(x), this.v_proj.forward(x)];
  }

  forward(x: MxArray, [k, v]: KeyValues, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const turned = (heads: MxArray, norm: RMSNorm | undefined) => {
      const result = this.#rope.forward(heads, cache.offset);
      return norm === undefined ? result : norm.forward(result);
    };
    const q = turned(splitHeads(this.q_proj.forward(x), B, L, this.#H), this.query_layernorm); // [B, H, L, D]
    const newKeys = turned(splitHeads(k, B, L, this.#K), this.key_layernorm); // [B, K, L, D]
    const [keys, values] = cache.updateAndFetch(newKeys, splitHeads(v, B, L, this.#K)); // [B, K, S, D]
    const out = attention(q, keys, values, { scale: this.#scale, mask }); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

class Gate extends Module {
  wg: Linear;

  constructor(c: Config) {
    super();
    this.wg = new Linear(c.hidden_size, c.num_experts, false);
  }
}

class MoE extends Module {
  declare shared_mlp?: GatedMLP;
  gate: Gate;
  switch_mlp: SwitchGLU;
  readonly #k: number;

  constructor(c: Config, layer: number) {
    super();
    const { hidden_size: dims, intermediate_size: F } = c;
    if (c.use_mixed_mlp_moe) this.shared_mlp = new GatedMLP(dims, F * ofLayer(c.num_shared_expert, layer));
    this.gate = new Gate(c);
    this.switch_mlp = new SwitchGLU(dims, ofLayer(c.moe_intermediate_size ?? F, layer), c.num_experts);
    this.#k = ofLayer(c.moe_topk, layer);
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = topExperts(softmax(this.gate.wg.forward(x), -1, true), this.#k); // [B, L, k]
    const answer = weighAnswers(this.switch_mlp.forward(x, experts), scores.astype(float32)); // [B, L, E]
    return this.shared_mlp === undefined ? answer : add(answer, this.shared_mlp.forward(x));
  }
}

class Block extends Module {
  self_attn: Attention;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;

  constructor(c: Config, layer: number) {
    super();
    this.self_attn = new Attention(c, !c.use_cla || layer % c.cla_share_factor === 0);
    this.mlp = c.num_experts === 1 ? new GatedMLP(c.hidden_size, c.intermediate_size) : new MoE(c, layer);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
  }

  /** @param earlier - the keys and values that the layer before used */
  forward(x: MxArray, earlier: KeyValues, mask: Mask, cache: LayerCache): [h: MxArray, used: KeyValues] {
    const normed = this.input_layernorm.forward(x); // [B, L, E]
    const used = this.self_attn.project(normed) ?? earlier;
    const h = add(x, this.self_attn.forward(normed, used, mask, cache)); // [B, L, E]
    return [add(h, this.mlp.forward(this.post_attention_layernorm.forward(h))), used]; // [B, L, E]
  }
}

/** Layers are told what keys and values the one before used. */
class HunyuanDecoder extends Module implements DecoderBody {
  embed_tokens: Embedding;
  layers: Block[];
  norm: Norm;

  constructor(c: Config) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => new Block(c, i));
    this.norm = rmsNorm(c);
  }

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = embeddings ?? this.embed_tokens.forward(tokens); // [B, L, E]
    let used: KeyValues = [h, h]; // the first layer makes its own
    const mask = layerCache(cache, 0).makeMask(h.dim(1));
    this.layers.forEach((layer, i) => {
      [h, used] = layer.forward(h, used, mask, layerCache(cache, i));
    });
    return this.norm.forward(h);
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  makeCache(): LayerCache[] {
    return this.layers.map(() => new KVCache());
  }
}

const headDim = (c: Config): number => Math.floor(c.hidden_size / c.num_attention_heads);

/** Fused queries, keys and values are cut per key head; up comes before gate. */
export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM({ ...c, tie_word_embeddings: true }, new HunyuanDecoder(c)),
  sanitize: [
    map<Config>(/qkv_proj\.weight$/, (c) => [reshaped(c.num_key_value_heads, -1, headDim(c), c.hidden_size)]),
    splitInto<Config>(/qkv_proj(?=\.weight$)/, ["q_proj", "k_proj", "v_proj"], {
      sizes: (c) => [c.num_attention_heads / c.num_key_value_heads, 1, 1],
      axis: 1,
    }),
    map<Config>(
      /[qkv]_proj\.weight$/,
      (c) => [reshaped(-1, c.hidden_size)],
      (shape) => shape.length === 4,
    ),
    splitInto(/gate_and_up_proj(?=\.weight$)/, ["up_proj", "gate_proj"]),
    stackNamedExperts,
  ],
});
