/** Parallel branches, LayerNorm, biases everywhere, rotary embedding of a part of the head. @see mlx-lm 0.32.2 models/phi.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { Mask } from "../blocks/mask.ts";
import { ParallelBlock } from "../blocks/parallel-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import { float32, type MxArray } from "../core/index.ts";
import { Embedding, geluApprox, LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";
import { type ForwardOptions, LanguageModel, layerCache } from "./language-model.ts";

const config = {
  vocab_size: int.default(51200),
  hidden_size: int.default(2560),
  num_attention_heads: int.default(32),
  num_hidden_layers: int.default(32),
  num_key_value_heads: int.optional(),
  partial_rotary_factor: number.default(0.4),
  intermediate_size: int.default(10240),
  layer_norm_eps: number.default(1e-5),
  rope_theta: number.default(10000),
  qk_layernorm: oneOf(false).optional(),
  attention_bias: bool.optional(), // always biases, whatever this says
  rotary_dim: int.optional(), // partial_rotary_factor of a head
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("gelu_new", "gelu_pytorch_tanh").optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  dense: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = headDim(c);
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads ?? this.#H;
    this.q_proj = new Linear(c.hidden_size, this.#H * D);
    this.k_proj = new Linear(c.hidden_size, this.#K * D);
    this.v_proj = new Linear(c.hidden_size, this.#K * D);
    this.dense = new Linear(this.#H * D, c.hidden_size);
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: Math.trunc(c.partial_rotary_factor * D), base: c.rope_theta });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = this.#rope.forward(splitHeads(this.q_proj.forward(x), B, L, this.#H), cache.offset); // [B, H, L, D]
    const k = this.#rope.forward(splitHeads(this.k_proj.forward(x), B, L, this.#K), cache.offset); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, this.#K); // [B, K, L, D]
    const [keys, values] = cache.updateAndFetch(k, v); // [B, K, S, D]
    // in float32: scores of half precision models overflow
    const out = attention(q.astype(float32), keys, values, { scale: this.#scale, mask }); // [B, H, L, D]
    return this.dense.forward(mergeHeads(out.astype(values.dtype), B, L)); // [B, L, E]
  }
}

class MLP extends Module {
  fc1: Linear;
  fc2: Linear;

  constructor(c: Config) {
    super();
    this.fc1 = new Linear(c.hidden_size, c.intermediate_size);
    this.fc2 = new Linear(c.intermediate_size, c.hidden_size);
  }

  forward(x: MxArray): MxArray {
    return this.fc2.forward(geluApprox(this.fc1.forward(x))); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });

class Decoder extends Module {
  embed_tokens: Embedding;
  layers: ParallelBlock[];
  final_layernorm: LayerNorm;

  constructor(c: Config) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from(
      { length: c.num_hidden_layers },
      () => new ParallelBlock(new Attention(c), new MLP(c), layerNorm(c)),
    );
    this.final_layernorm = layerNorm(c);
  }

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = embeddings ?? this.embed_tokens.forward(tokens); // [B, L, E]
    const mask = layerCache(cache, 0).makeMask(h.dim(1));
    this.layers.forEach((layer, i) => {
      h = layer.forward(h, mask, layerCache(cache, i));
    });
    return this.final_layernorm.forward(h);
  }
}

class PhiModel extends LanguageModel {
  model: Decoder;
  lm_head: Linear;

  constructor(c: Config) {
    super();
    this.model = new Decoder(c);
    this.lm_head = new Linear(c.hidden_size, c.vocab_size);
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return this.lm_head.forward(this.model.forward(tokens, options)); // [B, L, V]
  }

  get layers(): readonly ParallelBlock[] {
    return this.model.layers;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new PhiModel(c),
  sanitize: [dropRotaryTables],
});
