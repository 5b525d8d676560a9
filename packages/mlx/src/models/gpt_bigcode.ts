/** GPT-2 whose query heads share one key head, with bias switches. @see mlx-lm 0.32.2 models/gpt_bigcode.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { TransformerLM } from "../blocks/causal-lm.ts";
import { GptBlock, GptMLP } from "../blocks/gpt-decoder.ts";
import { LearnedPositionsDecoder } from "../blocks/learned-positions.ts";
import type { Mask } from "../blocks/mask.ts";
import { noRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { gelu, LayerNorm, Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, string } from "./config.ts";

const config = {
  n_embd: int.required(),
  n_layer: int.required(),
  n_inner: int.required(),
  n_head: int.required(),
  n_positions: int.required(),
  layer_norm_epsilon: number.required(),
  vocab_size: int.required(),
  multi_query: bool.default(true),
  attention_bias: bool.default(true),
  mlp_bias: bool.default(true),
  tie_word_embeddings: bool.default(true),
  num_key_value_heads: int.optional(), // multi_query says it
  activation_function: string.optional(), // exact GELU whatever this says, as in mlx-lm
  scale_attn_weights: oneOf(true).optional(),
  // how other programs compute the same scores
  attention_softmax_in_fp32: bool.optional(),
  scale_attention_softmax_in_fp32: bool.optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  c_attn: Linear;
  c_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;

  constructor(c: Config) {
    super();
    const D = Math.floor(c.n_embd / c.n_head);
    this.#H = c.n_head;
    this.#K = c.multi_query ? 1 : c.n_head;
    this.#scale = D ** -0.5;
    this.c_attn = new Linear(c.n_embd, c.n_embd + 2 * this.#K * D, c.attention_bias);
    this.c_proj = new Linear(c.n_embd, c.n_embd, c.attention_bias);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.c_attn.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const options = { rope: noRope, scale: this.#scale, mask, cache };
    return this.c_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.n_embd, { eps: c.layer_norm_epsilon });

const makeBlock = (c: Config): GptBlock => {
  const mlp = new GptMLP(c.n_embd, c.n_inner, { activation: gelu, bias: c.mlp_bias });
  return new GptBlock(new Attention(c), mlp, () => layerNorm(c));
};

const create = (c: Config): TransformerLM<LearnedPositionsDecoder> =>
  new TransformerLM(
    { ...c, hidden_size: c.n_embd },
    new LearnedPositionsDecoder(c, () => makeBlock(c), layerNorm(c)),
  );

export const architecture = defineArchitecture({ config, create, sanitize: [dropTiedHead] });
