/** Qwen 2 with vision: patches see all others. @see mlx-lm 0.32.2 models/qwen2_vl.py, mlx-vlm 0.7.10 models/qwen2_vl */
import type { MxArray } from "../core/index.ts";
import { LayerNorm, Module } from "../nn/index.ts";
import {
  GridAttention,
  GridBlock,
  GridMerger,
  GridVisionModel,
  gridAngles,
  type PatchGrid,
  PatchVolumes,
  patchPositions,
  VisionMLP,
} from "../vision/index.ts";
import { type Infer, int, number, object, oneOf } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { architecture as qwen2 } from "./qwen2.ts";
import { fitQwenTower, QWEN_TOWER } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapQwen } from "./wrap-qwen.ts";

/** The language model of Qwen 2 and 2.5 with vision. */
export const text = wrapQwen(qwen2);

const config = {
  vision_config: object({
    depth: int.default(32),
    embed_dim: int.default(1280),
    /** Of the language model. */
    hidden_size: int.default(1536),
    num_heads: int.default(16),
    in_channels: int.default(3),
    in_chans: int.optional(), // what released configs call it
    mlp_ratio: number.default(4),
    patch_size: int.default(14),
    spatial_patch_size: int.optional(),
    spatial_merge_size: int.default(2),
    temporal_patch_size: int.default(2),
    hidden_act: oneOf("quick_gelu").optional(),
  }).required(),
  image_token_id: int.default(151655),
};
type Config = Infer<typeof config>;
type TowerConfig = Config["vision_config"];

const makeBlock = (c: TowerConfig): GridBlock =>
  new GridBlock(
    new GridAttention(c.embed_dim, c.num_heads),
    new VisionMLP(c.embed_dim, Math.trunc(c.embed_dim * c.mlp_ratio), "quick_gelu"),
    () => new LayerNorm(c.embed_dim, { eps: 1e-6 }),
  );

class Tower extends Module {
  patch_embed: PatchVolumes;
  blocks: GridBlock[];
  merger: GridMerger;
  readonly #headDim: number;

  constructor(c: TowerConfig) {
    super();
    this.#headDim = c.embed_dim / c.num_heads;
    const in_channels = c.in_chans ?? c.in_channels;
    this.patch_embed = new PatchVolumes({ ...c, in_channels, hidden_size: c.embed_dim });
    this.blocks = Array.from({ length: c.depth }, () => makeBlock(c));
    const norm = new LayerNorm(c.embed_dim, { eps: 1e-6 });
    this.merger = new GridMerger(norm, c.embed_dim * c.spatial_merge_size ** 2, c.hidden_size);
  }

  /** Patches `[N, C * T * P * P]` to a row per token. */
  forward(patches: MxArray, grid: PatchGrid): MxArray {
    const angles = gridAngles(patchPositions(grid), this.#headDim);
    const segments = [{ count: grid.frames, size: grid.rows * grid.columns }];
    const embedded = this.patch_embed.forward(patches); // [N, E]
    return this.merger.forward(
      this.blocks.reduce((h, block) => block.forward(h, angles, segments), embedded),
    );
  }
}

const create = ({ vision_config, image_token_id }: Config, language_model: LanguageModel): GridVisionModel =>
  new GridVisionModel(
    language_model,
    image_token_id,
    new Tower(vision_config),
    vision_config.spatial_merge_size,
  );

export const architecture = withVision(text, {
  config,
  weights: QWEN_TOWER,
  create,
  sanitize: fitQwenTower,
});
