/** Ring Linear: Bailing's experts, with linear attention that fades in most layers. @see mlx-lm 0.32.2 models/bailing_moe_linear.py */
import { splitFusedHeads } from "../blocks/attention.ts";
import { hidePadding } from "../blocks/causal-conv.ts";
import type { DecoderConfig } from "../blocks/causal-lm.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GroupRMSNorm } from "../blocks/group-rms-norm.ts";
import { hybridCaches, hybridMasks, type Recurrence } from "../blocks/hybrid-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import { decayingSum } from "../blocks/state-space.ts";
import { PositionedBlock, WordDecoder } from "../blocks/word-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { Attention, bailing, bailingExperts, makeFeedForward, normHead } from "./bailing_moe.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, oneOf, string } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";

const config = {
  ...bailing,
  layer_group_size: int.required(),
  group_norm_size: int.required(),
  rope_traditional: bool.default(false),
  linear_backend: string.optional(),
  linear_mode: string.optional(),
  linear_rope: oneOf(true).optional(),
  linear_silu: oneOf(false).optional(),
  use_linear_silu: oneOf(false).optional(),
};
type Config = Infer<typeof config>;

/** ALiBi's slopes: powers of two, those between them filled in where the heads' number is none. */
const alibiSlopes = (heads: number): number[] => {
  const powers = (n: number) =>
    Array.from({ length: n }, (_, i) => 2 ** (-(2 ** -(Math.log2(n) - 3)) * (i + 1)));
  const whole = 2 ** Math.floor(Math.log2(heads));
  if (whole === heads) return powers(heads);
  const between = powers(2 * whole).filter((_, i) => i % 2 === 0);
  return [...powers(whole), ...between.slice(0, heads - whole)];
};

interface LinearAttentionConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_hidden_layers: number;
  readonly head_dim?: number | undefined;
  readonly group_norm_size: number;
  readonly rms_norm_eps: number;
  readonly use_qk_norm: boolean;
  readonly use_qkv_bias: boolean;
  readonly use_bias: boolean;
}

/** Attention without softmax over a state that fades at each head's own rate, slower in later layers. */
export class LinearAttention extends Module {
  query_key_value: Linear;
  dense: Linear;
  g_proj: Linear;
  g_norm: GroupRMSNorm;
  declare query_layernorm?: RMSNorm;
  declare key_layernorm?: RMSNorm;
  readonly #H: number;
  readonly #scale: number;
  readonly #logDecay: readonly number[];
  readonly #rope: PositionEmbedding;

  /** @param depth - the layer's number as far as decays go */
  constructor(c: LinearAttentionConfig, rope: PositionEmbedding, depth: number) {
    super();
    const { hidden_size: E, num_attention_heads: H } = c;
    const D = headDim(c);
    this.query_key_value = new Linear(E, 3 * H * D, c.use_qkv_bias);
    this.dense = new Linear(H * D, E, c.use_bias);
    this.g_proj = new Linear(E, H * D, false);
    this.g_norm = new GroupRMSNorm(H * D, c.group_norm_size, c.rms_norm_eps);
    if (c.use_qk_norm) {
      this.query_layernorm = new RMSNorm(D, c.rms_norm_eps);
      this.key_layernorm = new RMSNorm(D, c.rms_norm_eps);
    }
    const rate = 1 - depth / Math.max(1, c.num_hidden_layers - 1) + 1e-5;
    this.#H = H;
    this.#scale = D ** -0.5;
    this.#logDecay = alibiSlopes(H).map((slope) => -slope * rate);
    this.#rope = rope;
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache, offset: LayerCache["offset"]): MxArray {
    const [B = 1, L = 1] = x.shape;
    const H = this.#H;
    const [q, k, v] = splitFusedHeads(this.query_key_value.forward(x), H, H); // [B, H, L, D]
    const turned = (heads: MxArray, norm: RMSNorm | undefined) =>
      mx.swapaxes(this.#rope.forward(norm?.forward(heads) ?? heads, offset), 1, 2); // [B, L, H, D]
    const logDecay = mx.broadcastTo(mx.array([...this.#logDecay], mx.float32), [B, L, H]);
    const [y, state] = decayingSum({
      values: mx.swapaxes(v, 1, 2), // [B, L, H, D]
      logDecay: hidePadding(logDecay, mask),
      keys: hidePadding(turned(k, this.key_layernorm), mask),
      queries: turned(q, this.query_layernorm).multiply(this.#scale),
      state: arrays.get(0),
    });
    arrays.set(0, state);
    arrays.advance(L);
    const found = this.g_norm.forward(mx.reshape(y.astype(x.dtype), [B, L, -1])); // [B, L, H * D]
    return this.dense.forward(mx.multiply(found, mx.sigmoid(this.g_proj.forward(x)))); // [B, L, E]
  }
}

/** Whether a layer is recurrent: all but the last of a group, and those behind the last whole group. */
export const isRecurrent = (
  c: { readonly num_hidden_layers: number; readonly layer_group_size: number },
  layer: number,
): boolean => {
  const { num_hidden_layers, layer_group_size: group } = c;
  return (layer + 1) % group !== 0 && layer < Math.floor(num_hidden_layers / group) * group;
};

interface HybridConfig extends DecoderConfig {
  readonly layer_group_size: number;
}

/** Recurrent layers turn by the position that attention's cache knows. */
export class BailingHybridDecoder extends WordDecoder {
  readonly #recurrence: Recurrence;

  constructor(c: HybridConfig, makeBlock: (layer: number) => PositionedBlock, norm: Norm, slots = 1) {
    super(c, makeBlock, norm);
    this.#recurrence = { layers: this.layers.map((_, i) => isRecurrent(c, i)), slots };
  }

  override forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = this.inputs(tokens, embeddings); // [B, L, E]
    const maskOf = hybridMasks(this.#recurrence, h.dim(1), cache);
    const { offset } = layerCache(cache, this.#recurrence.layers.indexOf(false));
    this.layers.forEach((layer, i) => {
      h = layer.forward(h, maskOf(i), layerCache(cache, i), offset);
    });
    return this.norm.forward(h);
  }

  override makeCache(): LayerCache[] {
    return hybridCaches(this.#recurrence);
  }
}

const makeBlock = (c: Config, layer: number): PositionedBlock => {
  const recurs = isRecurrent(c, layer);
  const heads = recurs ? { ...c, head_dim: undefined } : c;
  const rope = createRope({
    dims: Math.trunc(headDim(heads) * c.partial_rotary_factor),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const attention = recurs
    ? new LinearAttention(heads, rope, Math.max(0, layer - 1))
    : new Attention(heads, rope);
  return new PositionedBlock(attention, makeFeedForward(c, layer), () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) =>
    new GatedCausalLM(
      c,
      new BailingHybridDecoder(c, (layer) => makeBlock(c, layer), rmsNorm(c)),
      "mlp.gate.gate_proj",
    ),
  sanitize: [dropTiedHead, normHead, ...bailingExperts],
});
