/**
 * InternVL: InternViT over tiles, whose patches are put side by side. Its blocks use the exact GELU it was trained with,
 * where mlx-vlm has the one by tanh.
 *
 * @see mlx-vlm 0.7.10 models/internvl_chat
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { Norm } from "../blocks/norm.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { LayerNorm, Linear, Module, RMSNorm } from "../nn/index.ts";
import {
  GeluLayer,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  PatchEmbedding,
  patchSquares,
  VisionLanguageModel,
  VisionMLP,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { bool, type Infer, int, number, object, oneOf, parseConfig, record, string } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { drop } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapByType } from "./wrap-by-type.ts";

const tower = {
  hidden_size: int.default(1024),
  num_hidden_layers: int.default(24),
  intermediate_size: int.default(4096),
  num_attention_heads: int.default(16),
  num_channels: int.default(3),
  image_size: int.default(448),
  patch_size: int.default(14),
  layer_norm_eps: number.default(1e-6),
  qkv_bias: bool.default(true),
  qk_normalization: bool.default(false),
  norm_type: oneOf("layer_norm", "rms_norm").default("layer_norm"),
  hidden_act: oneOf("gelu").optional(),
  model_type: oneOf("intern_vit_6b", "siglip_vision_model").optional(),
  // training only
  attention_dropout: number.optional(),
  drop_path_rate: number.optional(),
  dropout: number.optional(),
  initializer_factor: number.optional(),
  initializer_range: number.optional(),
  use_flash_attn: bool.optional(),
};
type Tower = Infer<typeof tower>;

/** `<IMG_CONTEXT>` in the vocabularies of most language models; the tokenizer of a checkpoint knows its own. */
const QWEN2_CONTEXT = 151667;
const QWEN3_CONTEXT = 151671;

const config = {
  vision_config: object(tower).required(),
  text_config: object({ hidden_size: int.required(), model_type: string.optional() }).required(),
  image_token_index: int.optional(),
  /** Tokens along a side for each patch. */
  downsample_ratio: number.default(0.5),
};
type Config = Infer<typeof config>;

const makeNorm = (c: Tower): Norm =>
  c.norm_type === "rms_norm"
    ? new RMSNorm(c.hidden_size, c.layer_norm_eps)
    : new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });

class Attention extends Module {
  qkv: Linear;
  proj: Linear;
  declare q_norm?: RMSNorm;
  declare k_norm?: RMSNorm;
  readonly #H: number;

  constructor(c: Tower) {
    super();
    const E = c.hidden_size;
    this.qkv = new Linear(E, 3 * E, c.qkv_bias);
    this.proj = new Linear(E, E);
    if (c.qk_normalization) {
      this.q_norm = new RMSNorm(E, c.layer_norm_eps);
      this.k_norm = new RMSNorm(E, c.layer_norm_eps);
    }
    this.#H = c.num_attention_heads;
  }

  /** `[B, N, E] -> [B, N, E]` */
  forward(x: MxArray): MxArray {
    const [B = 1, N = 1, E = 1] = x.shape;
    const [q = x, k = x, v = x] = mx.split(this.qkv.forward(x), 3, -1);
    const heads = (h: MxArray) => splitHeads(h, B, N, this.#H); // [B, H, N, D]
    const [queries, keys] = [heads(this.q_norm?.forward(q) ?? q), heads(this.k_norm?.forward(k) ?? k)];
    const scale = (E / this.#H) ** -0.5;
    return this.proj.forward(mergeHeads(attention(queries, keys, heads(v), { scale }), B, N));
  }
}

class Block extends Module {
  attn: Attention;
  mlp: VisionMLP;
  norm1: Norm;
  norm2: Norm;
  ls1: MxArray;
  ls2: MxArray;

  constructor(c: Tower) {
    super();
    this.attn = new Attention(c);
    this.mlp = new VisionMLP(c.hidden_size, c.intermediate_size, "gelu");
    this.norm1 = makeNorm(c);
    this.norm2 = makeNorm(c);
    this.ls1 = mx.ones([c.hidden_size]);
    this.ls2 = mx.ones([c.hidden_size]);
  }

  forward(x: MxArray): MxArray {
    const h = mx.add(x, this.attn.forward(this.norm1.forward(x)).multiply(this.ls1)); // [B, N, E]
    return mx.add(h, this.mlp.forward(this.norm2.forward(h)).multiply(this.ls2)); // [B, N, E]
  }
}

class Blocks extends Module {
  layers: Block[];

  constructor(c: Tower) {
    super();
    this.layers = Array.from({ length: c.num_hidden_layers }, () => new Block(c));
  }
}

class Embeddings extends Module {
  class_embedding: MxArray;
  patch_embedding: PatchEmbedding;
  position_embedding: MxArray;

  constructor(c: Tower) {
    super();
    const patches = Math.floor(c.image_size / c.patch_size) ** 2;
    this.class_embedding = mx.zeros([1, 1, c.hidden_size]);
    this.patch_embedding = new PatchEmbedding(c.num_channels, c.hidden_size, c.patch_size);
    this.position_embedding = mx.zeros([1, patches + 1, c.hidden_size]);
  }

  /** `[B, C, H, W] -> [B, 1 + N, E]` */
  forward(pixels: MxArray): MxArray {
    const patches = this.patch_embedding.forward(pixels);
    const first = mx.broadcastTo(this.class_embedding, [patches.dim(0), 1, patches.dim(-1)]);
    return mx.add(mx.concatenate([first, patches], 1), this.position_embedding);
  }
}

class Tiles extends Module {
  embeddings: Embeddings;
  encoder: Blocks;

  constructor(c: Tower) {
    super();
    this.embeddings = new Embeddings(c);
    this.encoder = new Blocks(c);
  }

  /** `[B, C, H, W] -> [B, N, E]`, without the class token */
  forward(pixels: MxArray): MxArray {
    let x = this.embeddings.forward(pixels);
    for (const block of this.encoder.layers) x = block.forward(x);
    return mx.index(x, [], [1]);
  }
}

class InternVL extends VisionLanguageModel {
  vision_model: Tiles;
  mlp1: [LayerNorm, Linear, GeluLayer, Linear];
  readonly #side: number; // patches along a tile
  readonly #scale: number; // patches along a token

  constructor({ vision_config, text_config, ...c }: Config, language_model: LanguageModel) {
    const token = text_config.model_type === "qwen3" ? QWEN3_CONTEXT : QWEN2_CONTEXT;
    super(language_model, c.image_token_index ?? token);
    this.#side = Math.floor(vision_config.image_size / vision_config.patch_size);
    this.#scale = Math.trunc(1 / c.downsample_ratio);
    const [inputs, E] = [vision_config.hidden_size * this.#scale ** 2, text_config.hidden_size];
    this.vision_model = new Tiles(vision_config);
    this.mlp1 = [new LayerNorm(inputs), new Linear(inputs, E), new GeluLayer(), new Linear(E, E)];
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const patches = this.vision_model.forward(imageTiles(arrays));
    const squares = patchSquares(patches, this.#side, this.#side, this.#scale); // [tiles, N, E]
    const embeddings = this.mlp1.reduce((x, layer) => layer.forward(x), mx.flatten(squares, 0, 1));
    return { embeddings };
  }
}

const SEEING = /^(vision_model|mlp1)\./;

const seeing = withVision(wrapByType({}, [drop(SEEING)]), {
  config,
  weights: SEEING,
  create: (c, language_model) => new InternVL(c, language_model),
  sanitize: fitTower,
});

/** The settings of the language model, which the publisher's configs call `llm_config`. */
const texts = { text_config: record.optional(), llm_config: record.optional() };

export const architecture: Architecture = {
  bind: (raw) => {
    const { text_config, llm_config } = parseConfig(texts, raw).config;
    return seeing.bind({ ...raw, text_config: text_config ?? llm_config });
  },
};
