/** GPT-2: learned positions, LayerNorm, biases, one projection for all heads. @see mlx-lm 0.32.2 models/gpt2.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { GptBlock, GptMLP } from "../blocks/gpt-decoder.ts";
import { LearnedPositionsDecoder } from "../blocks/learned-positions.ts";
import type { Mask } from "../blocks/mask.ts";
import { noRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { geluApprox, LayerNorm, Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";
import { drop, map, rename } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";

const config = {
  n_ctx: int.required(),
  n_embd: int.required(),
  n_head: int.required(),
  n_layer: int.required(),
  n_positions: int.required(),
  layer_norm_epsilon: number.required(),
  vocab_size: int.required(),
  n_inner: int.optional(), // mlx-lm's MLP always has 4 n_embd features
  activation_function: oneOf("gelu_new", "gelu_pytorch_tanh").optional(),
  tie_word_embeddings: oneOf(true).optional(),
  scale_attn_weights: oneOf(true).optional(),
  scale_attn_by_inverse_layer_idx: oneOf(false).optional(),
  reorder_and_upcast_attn: bool.optional(), // another order of the same computation
};
type Config = Infer<typeof config>;

class Attention extends Module {
  c_attn: Linear;
  c_proj: Linear;
  readonly #H: number;
  readonly #scale: number;

  constructor(c: Config) {
    super();
    this.#H = c.n_head;
    this.#scale = (c.n_embd / c.n_head) ** -0.5;
    this.c_attn = new Linear(c.n_embd, 3 * c.n_embd);
    this.c_proj = new Linear(c.n_embd, c.n_embd);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.c_attn.forward(x), this.#H, this.#H); // [B, H, L, D]
    const options = { rope: noRope, scale: this.#scale, mask, cache };
    return this.c_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.n_embd, { eps: c.layer_norm_epsilon });

const makeBlock = (c: Config): GptBlock => {
  const mlp = new GptMLP(c.n_embd, 4 * c.n_embd, { activation: geluApprox });
  return new GptBlock(new Attention(c), mlp, () => layerNorm(c));
};

const create = (c: Config): CausalLM<LearnedPositionsDecoder> =>
  new CausalLM(
    { hidden_size: c.n_embd, vocab_size: c.vocab_size, tie_word_embeddings: true },
    new LearnedPositionsDecoder(c, () => makeBlock(c), layerNorm(c)),
  );

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    drop(/^h\.\d+\.attn\.bias$/), // the causal mask
    map(/^h\.\d+\.(attn|mlp)\.(c_attn|c_fc|c_proj)\.weight$/, [transposed(1, 0)]),
    rename(/^(?!model\.)/, "model."),
  ],
});
