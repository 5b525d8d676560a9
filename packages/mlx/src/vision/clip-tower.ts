/**
 * The vision towers of CLIP and SigLIP: patches with learned positions through pre-norm blocks. SigLIP has neither CLIP's
 * class token nor the norm before its blocks.
 *
 * @see mlx-vlm 0.7.10 models/llava/vision.py, models/gemma3/vision.py
 */
import { add, arange, broadcastTo, concatenate, type MxArray, zeros } from "../core/index.ts";
import { type Infer, int, number, oneOf } from "../models/config.ts";
import { Embedding, LayerNorm, Module } from "../nn/index.ts";
import { PatchEmbedding } from "./patch-embedding.ts";
import { VisionAttention } from "./vision-attention.ts";
import { type TowerActivation, towerActivations, VisionMLP } from "./vision-mlp.ts";

/** What a config says of either tower; sizes that releases of transformers leave out are those of the first models. */
export const clipTowerConfig = {
  hidden_size: int.default(1024),
  num_hidden_layers: int.default(24),
  intermediate_size: int.default(4096),
  num_attention_heads: int.default(16),
  image_size: int.default(336),
  patch_size: int.default(14),
  num_channels: int.default(3),
  layer_norm_eps: number.default(1e-5),
  hidden_act: oneOf(...towerActivations).optional(),
};
type Config = Infer<typeof clipTowerConfig>;
/** What blocks need of it. */
type BlockConfig = Pick<
  Config,
  "hidden_size" | "num_hidden_layers" | "intermediate_size" | "num_attention_heads" | "layer_norm_eps"
>;

/** How the two differ. */
export interface TowerKind {
  /** A token before the patches that stands for the whole image, and a norm before the blocks. */
  readonly hasClassToken: boolean;
  readonly activation: TowerActivation;
}

/** OpenAI's tower. */
export const CLIP: TowerKind = { hasClassToken: true, activation: "quick_gelu" };
/** Google's tower. */
export const SIGLIP: TowerKind = { hasClassToken: false, activation: "gelu_pytorch_tanh" };

class Block extends Module {
  self_attn: VisionAttention;
  layer_norm1: LayerNorm;
  mlp: VisionMLP;
  layer_norm2: LayerNorm;

  constructor(c: BlockConfig, activation: TowerActivation) {
    super();
    this.self_attn = new VisionAttention(c.hidden_size, c.num_attention_heads);
    this.layer_norm1 = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
    this.mlp = new VisionMLP(c.hidden_size, c.intermediate_size, activation);
    this.layer_norm2 = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
  }

  forward(x: MxArray): MxArray {
    const h = add(x, this.self_attn.forward(this.layer_norm1.forward(x))); // [B, N, E]
    return add(h, this.mlp.forward(this.layer_norm2.forward(h))); // [B, N, E]
  }
}

/** The blocks of either tower. */
export class ClipBlocks extends Module {
  layers: Block[];

  constructor(c: BlockConfig, activation: TowerActivation) {
    super();
    this.layers = Array.from({ length: c.num_hidden_layers }, () => new Block(c, activation));
  }
}

class Embeddings extends Module {
  declare class_embedding?: MxArray;
  patch_embedding: PatchEmbedding;
  position_embedding: Embedding;

  constructor(c: Config, { hasClassToken }: TowerKind) {
    super();
    if (hasClassToken) this.class_embedding = zeros([c.hidden_size]);
    this.patch_embedding = new PatchEmbedding(c.num_channels, c.hidden_size, c.patch_size, !hasClassToken);
    const patches = Math.floor(c.image_size / c.patch_size) ** 2;
    this.position_embedding = new Embedding(patches + (hasClassToken ? 1 : 0), c.hidden_size);
  }

  /** `[B, C, H, W] -> [B, N, E]`, with the rows of the position table for patches `[N]`; the first ones by default */
  forward(pixels: MxArray, positions?: MxArray): MxArray {
    const patches = this.patch_embedding.forward(pixels);
    const [B = 1, , E = 1] = patches.shape;
    const first = this.class_embedding;
    const rows = first === undefined ? [patches] : [broadcastTo(first, [B, 1, E]), patches];
    const x = concatenate(rows, 1);
    return add(x, this.position_embedding.forward(positions ?? arange(0, x.dim(1))));
  }
}

/** Either tower itself. */
export class ClipEncoder extends Module {
  embeddings: Embeddings;
  declare pre_layrnorm?: LayerNorm; // as the checkpoints spell it
  encoder: ClipBlocks;
  post_layernorm: LayerNorm;

  constructor(c: Config, kind: TowerKind) {
    super();
    this.embeddings = new Embeddings(c, kind);
    if (kind.hasClassToken) this.pre_layrnorm = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
    this.encoder = new ClipBlocks(c, c.hidden_act ?? kind.activation);
    this.post_layernorm = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
  }

  /**
   * What enters the first block and what leaves each, `[B, N, E]`, of pixels `[B, C, H, W]`.
   *
   * @param positions - row of each patch in the table of positions, `[N]`; the first ones by default
   */
  hiddenStates(pixels: MxArray, positions?: MxArray): MxArray[] {
    const embedded = this.embeddings.forward(pixels, positions);
    const states = [this.pre_layrnorm === undefined ? embedded : this.pre_layrnorm.forward(embedded)];
    for (const block of this.encoder.layers) states.push(block.forward(states.at(-1) ?? embedded));
    return states;
  }

  /** What leaves the last block, normed. */
  forward(pixels: MxArray, positions?: MxArray): MxArray {
    return this.post_layernorm.forward(this.hiddenStates(pixels, positions).at(-1) ?? pixels);
  }
}

/** A tower under `vision_model`. */
export class ClipTower extends Module {
  vision_model: ClipEncoder;

  constructor(c: Config, kind: TowerKind) {
    super();
    this.vision_model = new ClipEncoder(c, kind);
  }

  /** As {@link ClipEncoder.hiddenStates}. */
  hiddenStates(pixels: MxArray): MxArray[] {
    return this.vision_model.hiddenStates(pixels);
  }

  /** What leaves the last block, normed. */
  forward(pixels: MxArray): MxArray {
    return this.vision_model.forward(pixels);
  }
}
