/**
 * Llama 3.2 Vision: Llama with layers between that attend across to the tiles of images. Tokens see the latest images
 * that stand together. Those before any image pass by these layers, as in training and in text alone; with mlx-vlm they
 * see all images.
 *
 * @see mlx-vlm 0.7.10 models/mllama
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import type { DecoderBlock } from "../blocks/decoder-frame.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { headDim } from "../blocks/self-attention.ts";
import { CrossCache, type HeldStates, KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm } from "../nn/index.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  MllamaTower,
  mllamaTowerConfig,
  VisionLanguageModel,
} from "../vision/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables } from "./common-rules.ts";
import { type Infer, int, list, number, object } from "./config.ts";
import { type ForwardOptions, type LanguageModel, layerCache } from "./language-model.ts";
import { config as llamaConfig, llamaRope, makeBlock } from "./llama.ts";
import { rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const EXTRA_TOKENS = 8; // the image's and reserved ones: the output layer has none of them

const textConfig = {
  ...llamaConfig,
  rms_norm_eps: number.default(1e-5),
  cross_attention_layers: list(int.required()).default([3, 8, 13, 18, 23, 28, 33, 38]),
  dropout: number.optional(), // of training
};
type TextConfig = Infer<typeof textConfig>;

class CrossAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  q_norm: RMSNorm;
  k_norm: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;

  constructor(c: TextConfig) {
    super();
    const [E, D] = [c.hidden_size, headDim(c)];
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads ?? this.#H;
    this.q_proj = new Linear(E, this.#H * D, false);
    this.k_proj = new Linear(E, this.#K * D, false);
    this.v_proj = new Linear(E, this.#K * D, false);
    this.o_proj = new Linear(this.#H * D, E, false);
    this.q_norm = new RMSNorm(D, c.rms_norm_eps);
    this.k_norm = new RMSNorm(D, c.rms_norm_eps);
    this.#scale = D ** -0.5;
  }

  /** Keys and values `[B, K, S, D]` of states `[B, S, E]`. */
  keysAndValues(states: MxArray): [MxArray, MxArray] {
    const heads = (layer: Linear) => splitHeads(layer.forward(states), states.dim(0), states.dim(1), this.#K);
    return [this.k_norm.forward(heads(this.k_proj)), heads(this.v_proj)];
  }

  forward(x: MxArray, { keys, values, mask }: HeldStates): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = this.q_norm.forward(splitHeads(this.q_proj.forward(x), B, L, this.#H)); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(attention(q, keys, values, { scale: this.#scale, mask }), B, L));
  }
}

class CrossBlock extends Module implements DecoderBlock {
  cross_attn: CrossAttention;
  mlp: GatedMLP;
  input_layernorm: RMSNorm;
  post_attention_layernorm: RMSNorm;
  cross_attn_attn_gate: MxArray;
  cross_attn_mlp_gate: MxArray;

  constructor(c: TextConfig) {
    super();
    this.cross_attn = new CrossAttention(c);
    this.mlp = new GatedMLP(c.hidden_size, c.intermediate_size);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.cross_attn_attn_gate = mx.zeros([1]);
    this.cross_attn_mlp_gate = mx.zeros([1]);
  }

  forward(x: MxArray, _mask: Mask, cache: LayerCache): MxArray {
    const held = cache.held?.();
    if (held === undefined) return x;
    const gated = (gate: MxArray, part: MxArray) => mx.multiply(mx.tanh(gate), part);
    const attended = this.cross_attn.forward(this.input_layernorm.forward(x), held); // [B, L, E]
    const h = mx.add(x, gated(this.cross_attn_attn_gate, attended));
    const fed = this.mlp.forward(this.post_attention_layernorm.forward(h)); // [B, L, E]
    const y = mx.add(h, gated(this.cross_attn_mlp_gate, fed));
    return held.rows === undefined ? y : mx.where(held.rows, y, x);
  }
}

class MllamaDecoder extends Decoder<DecoderBlock> {
  /** The first layer that attends to tokens. */
  readonly #first: number;

  constructor(c: TextConfig) {
    const rope = llamaRope(c);
    const isCross = (layer: number) => c.cross_attention_layers.includes(layer);
    super(
      { ...c, vocab_size: c.vocab_size + EXTRA_TOKENS },
      (layer) => (isCross(layer) ? new CrossBlock(c) : makeBlock(c, rope)),
      rmsNorm(c),
    );
    this.#first = Math.max(
      0,
      this.layers.findIndex((_, layer) => !isCross(layer)),
    );
  }

  override forward(tokens: MxArray, { states, cache, ...options }: ForwardOptions = {}): MxArray {
    if (states === undefined) return super.forward(tokens, { ...options, ...(cache && { cache }) });
    const caches = cache ?? this.makeCache();
    this.layers.forEach((block, i) => {
      if (block instanceof CrossBlock)
        layerCache(caches, i).hold?.(...block.cross_attn.keysAndValues(states));
    });
    return super.forward(tokens, { ...options, cache: caches });
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = layerCache(cache, this.#first).makeMask(L);
    return () => mask;
  }

  override makeCache(): LayerCache[] {
    return this.layers.map((block) => (block instanceof CrossBlock ? new CrossCache() : new KVCache()));
  }
}

const text = defineArchitecture({
  config: textConfig,
  create: (c) => new CausalLM(c, new MllamaDecoder(c)),
  sanitize: [dropRotaryTables],
});

const config = {
  vision_config: object(mllamaTowerConfig).required(),
  text_config: object({ hidden_size: int.default(4096) }).required(),
  image_token_index: int.default(128256),
};

class Mllama extends VisionLanguageModel {
  vision_tower: MllamaTower;
  multi_modal_projector: Linear;

  constructor(c: Infer<typeof config>, language_model: LanguageModel) {
    super(language_model, c.image_token_index);
    this.vision_tower = new MllamaTower(c.vision_config);
    this.multi_modal_projector = new Linear(c.vision_config.vision_output_dim, c.text_config.hidden_size);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const token = mx.array([this.imageTokenId], mx.int32);
    return {
      embeddings: this.embed(token), // [1, E]: in its place an image is a token like any other
      states: this.multi_modal_projector.forward(this.vision_tower.forward(arrays)), // [S, E]
    };
  }
}

const PARTS = /^(model\.)?(vision_tower|vision_model|multi_modal_projector)\./;

export const architecture = withVision(
  wrapText(text, PARTS, (textConfig) => ({ tie_word_embeddings: false, ...textConfig }), [
    rename(/^model\.language_model\./, "language_model.model."),
    rename(/^lm_head\./, "language_model.lm_head."),
  ]),
  {
    config,
    weights: PARTS,
    create: (c, language_model) => new Mllama(c, language_model),
    sanitize: [...fitTower, rename(/^vision_model\./, "vision_tower.")],
  },
);
