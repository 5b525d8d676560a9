/**
 * Idefics 2: SigLIP's tower over pictures of any size, of each of which latents keep what they need.
 *
 * As in transformers, where mlx-vlm departs from it: positions come from all over the table, padding is not seen, and the
 * tower has SigLIP's activation.
 *
 * @see mlx-vlm 0.7.10 models/idefics2
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, type RMSNorm } from "../nn/index.ts";
import {
  ClipEncoder,
  clipTowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  SIGLIP,
  tablePositions,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, number, object, oneOf, parseConfig } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { drop, rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapByType } from "./wrap-by-type.ts";

/** Mistral 7B with three more tokens, whose sizes configs leave out. */
const MISTRAL = {
  hidden_size: 4096,
  num_hidden_layers: 32,
  intermediate_size: 14336,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  vocab_size: 32003,
};

const perceiver = {
  hidden_act: oneOf("silu").optional(),
  num_key_value_heads: int.default(4),
  resampler_depth: int.default(3),
  resampler_head_dim: int.default(96),
  resampler_n_heads: int.default(16),
  resampler_n_latents: int.default(64),
};
const config = {
  vision_config: object({
    ...clipTowerConfig,
    hidden_size: int.default(768),
    num_hidden_layers: int.default(12),
    intermediate_size: int.default(3072),
    num_attention_heads: int.default(12),
    image_size: int.default(224),
    patch_size: int.default(32),
    layer_norm_eps: number.default(1e-6),
  }).required(),
  text_config: object({
    hidden_size: int.default(MISTRAL.hidden_size),
    intermediate_size: int.default(MISTRAL.intermediate_size),
    rms_norm_eps: number.default(MISTRAL.rms_norm_eps),
  }).required(),
  perceiver_config: object(perceiver).default(parseConfig(perceiver, {}).config),
  image_token_id: int.default(32001),
};
type Config = Infer<typeof config>;

/** Attention of latents to patches and to themselves. */
class PerceiverAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;

  constructor({ text_config: { hidden_size: E }, perceiver_config: c }: Config) {
    super();
    this.#H = c.resampler_n_heads;
    this.#K = c.num_key_value_heads;
    this.#D = c.resampler_head_dim;
    this.q_proj = new Linear(E, this.#H * this.#D, false);
    this.k_proj = new Linear(E, this.#K * this.#D, false);
    this.v_proj = new Linear(E, this.#K * this.#D, false);
    this.o_proj = new Linear(this.#H * this.#D, E, false);
  }

  /** Latents `[1, L, E]` and patches `[1, N, E]` to `[1, L, E]`. */
  forward(latents: MxArray, patches: MxArray): MxArray {
    const all = mx.concatenate([patches, latents], 1); // [1, S, E]
    const [L, S] = [latents.dim(1), all.dim(1)];
    const q = splitHeads(this.q_proj.forward(latents), 1, L, this.#H); // [1, H, L, D]
    const k = splitHeads(this.k_proj.forward(all), 1, S, this.#K); // [1, K, S, D]
    const v = splitHeads(this.v_proj.forward(all), 1, S, this.#K);
    return this.o_proj.forward(mergeHeads(attention(q, k, v, { scale: this.#D ** -0.5 }), 1, L));
  }
}

class PerceiverLayer extends Module {
  input_latents_norm: RMSNorm;
  input_context_norm: RMSNorm;
  self_attn: PerceiverAttention;
  post_attention_layernorm: RMSNorm;
  mlp: GatedMLP;

  constructor(c: Config) {
    super();
    this.input_latents_norm = rmsNorm(c.text_config);
    this.input_context_norm = rmsNorm(c.text_config);
    this.self_attn = new PerceiverAttention(c);
    this.post_attention_layernorm = rmsNorm(c.text_config);
    this.mlp = new GatedMLP(c.text_config.hidden_size, c.text_config.hidden_size * 4);
  }

  /** Latents `[1, L, E]` and patches `[1, N, E]` to `[1, L, E]`. */
  forward(latents: MxArray, patches: MxArray): MxArray {
    const normed = this.input_latents_norm.forward(latents);
    const h = mx.add(latents, this.self_attn.forward(normed, this.input_context_norm.forward(patches)));
    return mx.add(h, this.mlp.forward(this.post_attention_layernorm.forward(h)));
  }
}

class Resampler extends Module {
  latents: MxArray;
  layers: PerceiverLayer[];
  norm: RMSNorm;

  constructor(c: Config) {
    super();
    const { resampler_n_latents: L, resampler_depth } = c.perceiver_config;
    this.latents = mx.zeros([L, c.text_config.hidden_size]);
    this.layers = Array.from({ length: resampler_depth }, () => new PerceiverLayer(c));
    this.norm = rmsNorm(c.text_config);
  }

  /** `[1, N, E] -> [1, L, E]` */
  forward(patches: MxArray): MxArray {
    const latents = mx.expandDims(this.latents, 0);
    return this.norm.forward(this.layers.reduce((h, layer) => layer.forward(h, patches), latents));
  }
}

/** Patches of one picture to as many tokens as there are latents. */
class Connector extends Module {
  modality_projection: GatedMLP;
  perceiver_resampler: Resampler;

  constructor(c: Config) {
    super();
    const { hidden_size, intermediate_size } = c.text_config;
    this.modality_projection = new GatedMLP(c.vision_config.hidden_size, intermediate_size, {
      outputDims: hidden_size,
    });
    this.perceiver_resampler = new Resampler(c);
  }

  forward(patches: MxArray): MxArray {
    return this.perceiver_resampler.forward(this.modality_projection.forward(patches));
  }
}

class Idefics2 extends VisionLanguageModel {
  vision_model: ClipEncoder;
  connector: Connector;
  readonly #patchSize: number;
  readonly #side: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_id);
    const { image_size, patch_size } = c.vision_config;
    this.vision_model = new ClipEncoder(c.vision_config, SIGLIP);
    this.connector = new Connector(c);
    this.#patchSize = patch_size;
    this.#side = Math.floor(image_size / patch_size);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const pixels = imageArray(arrays, "pixel_values");
    const pictures = mx.split(pixels, pixels.dim(0), 0);
    const masks = mx.split(imageArray(arrays, "pixel_attention_mask"), pictures.length, 0);
    const tokens = pictures.map((picture, i) => this.#embedPicture(picture, masks[i] ?? picture));
    return { embeddings: mx.flatten(mx.concatenate(tokens, 0), 0, 1) };
  }

  /** Pixels `[1, C, H, W]`, of which a mask `[1, H, W]` says where the picture is, to `[1, L, E]`. */
  #embedPicture(pixels: MxArray, mask: MxArray): MxArray {
    const P = this.#patchSize;
    const [, C = 1, H = 0, W = 0] = pixels.shape;
    const length = (side: MxArray, available: number): number =>
      Math.min(Math.ceil(mx.sum(side).item() / P), Math.floor(available / P));
    const rows = length(mx.slice(mask, [0, 0, 0], [1, H, 1]), H);
    const columns = length(mx.slice(mask, [0, 0, 0], [1, 1, W]), W);
    const picture = mx.slice(pixels, [0, 0, 0, 0], [1, C, rows * P, columns * P]);
    return this.connector.forward(
      this.vision_model.forward(picture, tablePositions(rows, columns, this.#side)),
    );
  }
}

const SEEING = /^(model\.)?(vision_model|connector)\./;

const text = wrapByType(MISTRAL, [
  drop(SEEING),
  rename(/^(model\.text_model|language_model)\.(?!lm_head\.|model\.)/, "model."),
]);

export const architecture = withVision(text, {
  config,
  weights: SEEING,
  create: (c, language_model) => new Idefics2(c, language_model),
  sanitize: fitTower,
});
