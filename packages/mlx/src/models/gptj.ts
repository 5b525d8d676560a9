/** Parallel branches under one norm; neighbours turn in a part of the head. @see mlx-lm 0.32.2 models/gptj.py */
import { cachedAttention, splitHeads } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { GptDecoder } from "../blocks/gpt-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { geluApprox, LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, number, oneOf } from "./config.ts";
import { drop, rename } from "./sanitize-rules.ts";

const config = {
  n_embd: int.default(4096),
  vocab_size: int.default(50400),
  layer_norm_epsilon: number.default(1e-5),
  n_positions: int.default(2048),
  n_head: int.default(16),
  rotary_dim: int.nullable(64),
  n_layer: int.default(28),
  n_inner: int.optional(), // always 4 n_embd
  rotary: oneOf(true).optional(),
  activation_function: oneOf("gelu_new").optional(),
  tie_word_embeddings: oneOf(false).optional(),
  scale_attn_weights: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  out_proj: Linear;
  readonly #H: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = Math.floor(c.n_embd / c.n_head);
    this.#H = c.n_head;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: c.rotary_dim ?? D, base: 10000, traditional: true });
    this.q_proj = new Linear(c.n_embd, c.n_embd, false);
    this.k_proj = new Linear(c.n_embd, c.n_embd, false);
    this.v_proj = new Linear(c.n_embd, c.n_embd, false);
    this.out_proj = new Linear(c.n_embd, c.n_embd, false);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const heads = (layer: Linear) => splitHeads(layer.forward(x), B, L, this.#H); // [B, H, L, D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    const out = cachedAttention(heads(this.q_proj), heads(this.k_proj), heads(this.v_proj), options);
    return this.out_proj.forward(out); // [B, L, E]
  }
}

class MLP extends Module {
  fc_in: Linear;
  fc_out: Linear;

  constructor(c: Config) {
    super();
    this.fc_in = new Linear(c.n_embd, 4 * c.n_embd);
    this.fc_out = new Linear(4 * c.n_embd, c.n_embd);
  }

  forward(x: MxArray): MxArray {
    return this.fc_out.forward(geluApprox(this.fc_in.forward(x))); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.n_embd, { eps: c.layer_norm_epsilon });

class Block extends Module {
  ln_1: LayerNorm;
  attn: Attention;
  mlp: MLP;

  constructor(c: Config) {
    super();
    this.ln_1 = layerNorm(c);
    this.attn = new Attention(c);
    this.mlp = new MLP(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const normed = this.ln_1.forward(x); // [B, L, E]
    return add(add(this.attn.forward(normed, mask, cache), this.mlp.forward(normed)), x);
  }
}

const create = (c: Config): CausalLM<GptDecoder> =>
  new CausalLM(
    { hidden_size: c.n_embd, vocab_size: c.vocab_size, tie_word_embeddings: false },
    new GptDecoder(c, () => new Block(c), layerNorm(c)),
    { headBias: true },
  );

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [drop(/^transformer\.h\.\d+\.attn\.(masked_bias|bias)$/), rename(/transformer\./g, "model.")],
});
