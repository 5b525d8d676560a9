/** OLMo 3 with the gated delta rule in most layers. @see mlx-lm 0.32.2 models/olmo_hybrid.py */

import { BranchNormBlock } from "../blocks/branch-norm-block.ts";
import { CausalConv1d, hidePadding } from "../blocks/causal-conv.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import type { DecoderBlock } from "../blocks/decoder-frame.ts";
import { gatedDelta, logDecayOf, normQueryAndKey } from "../blocks/gated-delta.ts";
import { GatedNorm } from "../blocks/gated-delta-net.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { HybridDecoder } from "../blocks/hybrid-decoder.ts";
import { LinearHybridBlock } from "../blocks/linear-hybrid-block.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { RowNormedAttention } from "../blocks/row-normed-attention.ts";
import { headDim } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, silu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, moveConvChannels } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  linear_num_key_heads: int.required(),
  linear_num_value_heads: int.required(),
  linear_key_head_dim: int.required(),
  linear_value_head_dim: int.required(),
  linear_conv_kernel_dim: int.required(),
  linear_allow_neg_eigval: bool.required(),
  tie_word_embeddings: bool.required(),
  attention_bias: bool.required(),
  layer_norm_epsilon: number.default(1e-5),
  head_dim: int.optional(),
  layer_types: list(oneOf("linear_attention", "full_attention").required()).optional(), // every fourth attends
  rope_theta: number.nullable(10000), // null: no positions
  hidden_act: oneOf("silu").optional(),
  linear_use_gate: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

class LinearAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  a_proj: Linear;
  b_proj: Linear;
  g_proj: Linear;
  o_proj: Linear;
  q_conv1d: CausalConv1d;
  k_conv1d: CausalConv1d;
  v_conv1d: CausalConv1d;
  A_log: MxArray;
  dt_bias: MxArray;
  o_norm: GatedNorm;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    const { hidden_size: E, linear_num_value_heads: H, linear_conv_kernel_dim: W } = c;
    const keyDims = c.linear_num_key_heads * c.linear_key_head_dim;
    const valueDims = H * c.linear_value_head_dim;
    this.q_proj = new Linear(E, keyDims, false);
    this.k_proj = new Linear(E, keyDims, false);
    this.v_proj = new Linear(E, valueDims, false);
    this.a_proj = new Linear(E, H, false);
    this.b_proj = new Linear(E, H, false);
    this.g_proj = new Linear(E, valueDims, false);
    this.o_proj = new Linear(valueDims, E, false);
    this.q_conv1d = new CausalConv1d(keyDims, W, false);
    this.k_conv1d = new CausalConv1d(keyDims, W, false);
    this.v_conv1d = new CausalConv1d(valueDims, W, false);
    this.A_log = mx.zeros([H]);
    this.dt_bias = mx.zeros([H]);
    this.o_norm = new GatedNorm(c.linear_value_head_dim, c.layer_norm_epsilon);
    this.#c = c;
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const { linear_num_key_heads: K, linear_num_value_heads: H, linear_allow_neg_eigval } = this.#c;
    const heads = (part: MxArray, count: number) => mx.reshape(part, [B, L, count, -1]);
    const queries = silu(this.q_conv1d.continue(this.q_proj.forward(x), mask, arrays, 0)); // [B, L, K * D]
    const keys = silu(this.k_conv1d.continue(this.k_proj.forward(x), mask, arrays, 1)); // [B, L, K * D]
    const values = silu(this.v_conv1d.continue(this.v_proj.forward(x), mask, arrays, 2)); // [B, L, H * V]
    const [q, k] = normQueryAndKey(heads(queries, K), heads(keys, K)); // [B, L, K, D]
    const written = mx.sigmoid(this.b_proj.forward(x)); // [B, L, H]
    const [y, state] = gatedDelta({
      q,
      k,
      v: heads(values, H),
      logDecay: hidePadding(logDecayOf(this.A_log, this.a_proj.forward(x), this.dt_bias), mask),
      beta: hidePadding(linear_allow_neg_eigval ? written.multiply(2) : written, mask),
      state: arrays.get(3),
    });
    arrays.set(3, state);
    arrays.advance(L);
    const out = this.o_norm.forwardGated(y, heads(this.g_proj.forward(x), H)); // [B, L, H, V]
    return this.o_proj.forward(mx.reshape(out, [B, L, -1])); // [B, L, E]
  }
}

const makeBlock = (c: Config, isLinear: boolean): DecoderBlock => {
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size);
  const makeNorm = () => rmsNorm(c);
  if (isLinear) return new LinearHybridBlock(new LinearAttention(c), mlp, { isLinear, makeNorm });
  const rope = c.rope_theta === undefined ? noRope : createRope({ dims: headDim(c), base: c.rope_theta });
  return new BranchNormBlock(new RowNormedAttention(c, rope), mlp, makeNorm);
};

const create = (c: Config): CausalLM => {
  const kinds = c.layer_types ?? [];
  const layers = Array.from({ length: c.layer_types?.length ?? c.num_hidden_layers }, (_, i) =>
    c.layer_types === undefined ? i % 4 !== 3 : kinds[i] === "linear_attention",
  );
  const sizes = { ...c, num_hidden_layers: layers.length };
  const makeLayer = (layer: number) => makeBlock(c, layers[layer] === true);
  return new CausalLM(c, new HybridDecoder(sizes, makeLayer, rmsNorm(c), { layers, slots: 4 }));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropTiedHead, moveConvChannels],
});
