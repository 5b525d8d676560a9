/** GPT-2's names with rotary positions the other way round, norms without weights, squared ReLU. @see mlx-lm 0.32.2 models/nanochat.py */
import { cachedAttention, splitHeads } from "../blocks/attention.ts";
import { TransformerLM } from "../blocks/causal-lm.ts";
import { GptBlock, GptDecoder, GptMLP } from "../blocks/gpt-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import type { LayerCache } from "../cache/index.ts";
import { arange, exp, fast, float32, keep, type MxArray, negative } from "../core/index.ts";
import { BareRMSNorm, Linear, Module, type PositionEmbedding, RoPE, relu2 } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, number } from "./config.ts";

const config = {
  hidden_size: int.default(1280),
  num_hidden_layers: int.default(20),
  num_attention_heads: int.default(10),
  num_key_value_heads: int.default(10),
  vocab_size: int.default(65536),
  intermediate_size: int.default(5120),
  rope_theta: number.default(10000),
};
type Config = Infer<typeof config>;

const LOGIT_CAP = 15;

const bareNorm = (): BareRMSNorm => new BareRMSNorm(1e-5);

/** The other way round, and normed after turning. */
const normedRope = (dims: number, base: number): PositionEmbedding => {
  const steps = arange(0, dims / 2, 1, float32).multiply(Math.log(base) / (dims / 2));
  const rope = new RoPE(dims, { freqs: keep(negative(exp(steps))) });
  const norm = bareNorm();
  return { forward: (x, offset) => norm.forward(rope.forward(x, offset)) };
};

class Attention extends Module {
  c_q: Linear;
  c_k: Linear;
  c_v: Linear;
  c_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = Math.floor(c.hidden_size / c.num_attention_heads);
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.#scale = D ** -0.5;
    this.#rope = normedRope(D, c.rope_theta);
    this.c_q = new Linear(c.hidden_size, this.#H * D, false);
    this.c_k = new Linear(c.hidden_size, this.#K * D, false);
    this.c_v = new Linear(c.hidden_size, this.#K * D, false);
    this.c_proj = new Linear(c.hidden_size, c.hidden_size, false);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = splitHeads(this.c_q.forward(x), B, L, this.#H); // [B, H, L, D]
    const k = splitHeads(this.c_k.forward(x), B, L, this.#K); // [B, K, L, D]
    const v = splitHeads(this.c_v.forward(x), B, L, this.#K); // [B, K, L, D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    return this.c_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

const makeBlock = (c: Config): GptBlock => {
  const mlp = new GptMLP(c.hidden_size, c.intermediate_size, { activation: relu2, bias: false });
  return new GptBlock(new Attention(c), mlp, bareNorm);
};

/** Norms the embeddings too. */
class NanochatDecoder extends GptDecoder {
  constructor(c: Config) {
    const sizes = { vocab_size: c.vocab_size, n_embd: c.hidden_size, n_layer: c.num_hidden_layers };
    super(sizes, () => makeBlock(c), bareNorm());
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return this.lastNorm.forward(super.inputs(tokens, embeddings));
  }
}

class NanochatModel extends TransformerLM<NanochatDecoder> {
  constructor(c: Config) {
    super({ ...c, tie_word_embeddings: false }, new NanochatDecoder(c));
  }

  protected override logits(h: MxArray): MxArray {
    return fast.softcap(super.logits(h), LOGIT_CAP);
  }
}

export const architecture = defineArchitecture({ config, create: (c) => new NanochatModel(c) });
