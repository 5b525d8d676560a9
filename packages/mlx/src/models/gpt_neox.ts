/** Parallel branches with a norm each; queries, keys and values of a head side by side. @see mlx-lm 0.32.2 models/gpt_neox.py */
import { cachedAttention } from "../blocks/attention.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, reshape, split, transpose } from "../core/index.ts";
import { Embedding, geluApprox, LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";
import { type ForwardOptions, LanguageModel } from "./language-model.ts";
import { drop, rename } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  layer_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  rotary_emb_base: number.required(),
  rotary_pct: number.required(),
  use_parallel_residual: bool.default(true),
  attention_bias: oneOf(true).optional(),
  tie_word_embeddings: oneOf(false).optional(),
  intermediate_size: int.optional(), // always 4 hidden_size
  hidden_act: oneOf("gelu", "gelu_new", "gelu_fast").optional(), // GELU by tanh whatever this says, as in mlx-lm
  rope_theta: number.optional(), // rotary_emb_base under another name
  partial_rotary_factor: number.optional(), // rotary_pct under another name
};
type Config = Infer<typeof config>;

class Attention extends Module {
  query_key_value: Linear;
  dense: Linear;
  readonly #H: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = Math.floor(c.hidden_size / c.num_attention_heads);
    this.#H = c.num_attention_heads;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: Math.trunc(D * c.rotary_pct), base: c.rotary_emb_base });
    this.query_key_value = new Linear(c.hidden_size, 3 * c.hidden_size);
    this.dense = new Linear(c.hidden_size, c.hidden_size);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const heads = reshape(this.query_key_value.forward(x), [B, L, this.#H, -1]); // [B, L, H, 3 D]
    const [q = x, k = x, v = x] = split(transpose(heads, [0, 2, 1, 3]), 3, -1); // [B, H, L, D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    return this.dense.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

class MLP extends Module {
  dense_h_to_4h: Linear;
  dense_4h_to_h: Linear;

  constructor(c: Config) {
    super();
    this.dense_h_to_4h = new Linear(c.hidden_size, 4 * c.hidden_size);
    this.dense_4h_to_h = new Linear(4 * c.hidden_size, c.hidden_size);
  }

  forward(x: MxArray): MxArray {
    return this.dense_4h_to_h.forward(geluApprox(this.dense_h_to_4h.forward(x))); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });

class Block extends Module {
  attention: Attention;
  mlp: MLP;
  input_layernorm: LayerNorm;
  post_attention_layernorm: LayerNorm;
  readonly #isParallel: boolean;

  constructor(c: Config) {
    super();
    this.attention = new Attention(c);
    this.mlp = new MLP(c);
    this.input_layernorm = layerNorm(c);
    this.post_attention_layernorm = layerNorm(c);
    this.#isParallel = c.use_parallel_residual;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.attention.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    if (this.#isParallel) {
      return add(add(attended, this.mlp.forward(this.post_attention_layernorm.forward(x))), x);
    }
    const h = add(x, attended);
    return add(h, this.mlp.forward(this.post_attention_layernorm.forward(h)));
  }
}

/** The output layer, `embed_out`, is in here too. */
class NeoXDecoder extends DecoderFrame<Block> {
  embed_in: Embedding;
  embed_out: Linear;
  h: Block[];
  final_layer_norm: LayerNorm;

  constructor(c: Config) {
    super();
    this.embed_in = new Embedding(c.vocab_size, c.hidden_size);
    this.embed_out = new Linear(c.hidden_size, c.vocab_size, false);
    this.h = Array.from({ length: c.num_hidden_layers }, () => new Block(c));
    this.final_layer_norm = layerNorm(c);
  }

  get embedding(): Embedding {
    return this.embed_in;
  }

  get blocks(): readonly Block[] {
    return this.h;
  }

  protected get lastNorm(): LayerNorm {
    return this.final_layer_norm;
  }
}

class NeoXModel extends LanguageModel {
  model: NeoXDecoder;

  constructor(c: Config) {
    super();
    this.model = new NeoXDecoder(c);
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return this.model.embed_out.forward(this.model.forward(tokens, options)); // [B, L, V]
  }

  get layers(): readonly Block[] {
    return this.model.h;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new NeoXModel(c),
  sanitize: [
    drop(/\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/),
    rename(/^(?!model\.)/, "model."),
    rename(/\.gpt_neox\.layers\./, ".h."),
    rename(/\.gpt_neox\./, "."),
  ],
});
