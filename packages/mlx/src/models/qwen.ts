/** The first Qwen: Llama under GPT-2's names with heads of a size of their own. @see mlx-lm 0.32.2 models/qwen.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { TransformerLM } from "../blocks/causal-lm.ts";
import { GptBlock, GptDecoder } from "../blocks/gpt-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.default(2048),
  num_attention_heads: int.default(16),
  num_hidden_layers: int.default(24),
  kv_channels: int.default(128),
  layer_norm_epsilon: number.default(1e-6),
  intermediate_size: int.default(11008),
  no_bias: bool.default(true),
  vocab_size: int.default(151936),
  rotary_emb_base: number.optional(), // 10000 whatever this says, as in mlx-lm
  rotary_pct: number.optional(),
  scale_attn_weights: oneOf(true).optional(),
  tie_word_embeddings: oneOf(false).optional(),
  // past the trained length alone
  seq_length: int.optional(),
  use_dynamic_ntk: bool.optional(),
  use_logn_attn: bool.optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  c_attn: Linear;
  c_proj: Linear;
  readonly #H: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = Math.floor(c.hidden_size / c.num_attention_heads);
    const width = c.kv_channels * c.num_attention_heads;
    this.#H = c.num_attention_heads;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: D, base: 10000 });
    this.c_attn = new Linear(c.hidden_size, 3 * width);
    this.c_proj = new Linear(c.hidden_size, width, !c.no_bias);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.c_attn.forward(x), this.#H, this.#H); // [B, H, L, D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    return this.c_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

/** `intermediate_size` counts both halves. */
class MLP extends Module {
  w1: Linear;
  w2: Linear;
  c_proj: Linear;

  constructor(c: Config) {
    super();
    const F = Math.floor(c.intermediate_size / 2);
    this.w1 = new Linear(c.hidden_size, F, !c.no_bias);
    this.w2 = new Linear(c.hidden_size, F, !c.no_bias);
    this.c_proj = new Linear(F, c.hidden_size, !c.no_bias);
  }

  forward(x: MxArray): MxArray {
    return this.c_proj.forward(swiglu(this.w2.forward(x), this.w1.forward(x))); // [B, L, E]
  }
}

const rmsNorm = (c: Config): RMSNorm => new RMSNorm(c.hidden_size, c.layer_norm_epsilon);

const create = (c: Config): TransformerLM<GptDecoder> => {
  const sizes = { vocab_size: c.vocab_size, n_embd: c.hidden_size, n_layer: c.num_hidden_layers };
  const makeBlock = () => new GptBlock(new Attention(c), new MLP(c), () => rmsNorm(c));
  const body = new GptDecoder(sizes, makeBlock, rmsNorm(c));
  return new TransformerLM({ ...c, tie_word_embeddings: false }, body, { headBias: !c.no_bias });
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [drop(/rotary_emb\.inv_freq$/)],
});
