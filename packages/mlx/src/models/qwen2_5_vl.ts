/** Qwen 2.5 with vision: patches see those of their window, in some blocks all. @see mlx-vlm 0.7.10 models/qwen2_5_vl */
import { argsort, array, int32, type MxArray, reshape, take } from "../core/index.ts";
import { Linear, Module, RMSNorm, swiglu } from "../nn/index.ts";
import {
  GridAttention,
  GridBlock,
  GridMerger,
  GridVisionModel,
  gridAngles,
  type PatchGrid,
  PatchVolumes,
  patchPositions,
  type Segments,
  tokenGrid,
} from "../vision/index.ts";
import { type Infer, int, list, number, object, oneOf } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { text } from "./qwen2_vl.ts";
import { fitQwenTower, QWEN_TOWER } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";

const config = {
  vision_config: object({
    depth: int.default(32),
    hidden_size: int.default(1280),
    intermediate_size: int.default(3420),
    out_hidden_size: int.default(1536),
    num_heads: int.default(16),
    in_channels: int.default(3),
    in_chans: int.optional(), // what released configs call it
    patch_size: int.default(14),
    spatial_patch_size: int.optional(),
    spatial_merge_size: int.default(2),
    temporal_patch_size: int.default(2),
    /** Side of a window in pixels. */
    window_size: int.default(112),
    fullatt_block_indexes: list(int.required()).default([7, 15, 23, 31]),
    hidden_act: oneOf("silu").optional(),
    tokens_per_second: number.optional(), // of videos
  }).required(),
  image_token_id: int.default(151655),
};
type Config = Infer<typeof config>;
type TowerConfig = Config["vision_config"];

class MLP extends Module {
  gate_proj: Linear;
  up_proj: Linear;
  down_proj: Linear;

  constructor({ hidden_size, intermediate_size }: TowerConfig) {
    super();
    this.gate_proj = new Linear(hidden_size, intermediate_size);
    this.up_proj = new Linear(hidden_size, intermediate_size);
    this.down_proj = new Linear(intermediate_size, hidden_size);
  }

  forward(x: MxArray): MxArray {
    return this.down_proj.forward(swiglu(this.gate_proj.forward(x), this.up_proj.forward(x)));
  }
}

const makeBlock = (c: TowerConfig): GridBlock =>
  new GridBlock(
    new GridAttention(c.hidden_size, c.num_heads),
    new MLP(c),
    () => new RMSNorm(c.hidden_size, 1e-6),
  );

/** Tokens by window, windows of one size after another: their order, and how many patches each window has. */
const windowsOf = (grid: PatchGrid, side: number): { order: number[]; segments: Segments[] } => {
  const [frames, rows, columns] = tokenGrid(grid);
  const bySize = new Map<number, number[][]>();
  for (let frame = 0; frame < frames; frame++) {
    for (let top = 0; top < rows; top += side) {
      for (let left = 0; left < columns; left += side) {
        const window: number[] = [];
        for (let row = top; row < Math.min(top + side, rows); row++) {
          for (let column = left; column < Math.min(left + side, columns); column++) {
            window.push((frame * rows + row) * columns + column);
          }
        }
        bySize.set(window.length, [...(bySize.get(window.length) ?? []), window]);
      }
    }
  }
  const segments = [...bySize].map(([tokens, windows]) => ({
    count: windows.length,
    size: tokens * grid.merge ** 2,
  }));
  return { order: [...bySize.values()].flat(2), segments };
};

class Tower extends Module {
  patch_embed: PatchVolumes;
  blocks: GridBlock[];
  merger: GridMerger;
  readonly #c: TowerConfig;

  constructor(c: TowerConfig) {
    super();
    this.#c = c;
    this.patch_embed = new PatchVolumes({ ...c, in_channels: c.in_chans ?? c.in_channels });
    this.blocks = Array.from({ length: c.depth }, () => makeBlock(c));
    this.merger = new GridMerger(
      new RMSNorm(c.hidden_size, 1e-6),
      c.hidden_size * c.spatial_merge_size ** 2,
      c.out_hidden_size,
    );
  }

  /** Patches `[N, C * T * P * P]` to a row per token. */
  forward(patches: MxArray, grid: PatchGrid): MxArray {
    const { hidden_size, num_heads, window_size, patch_size, fullatt_block_indexes } = this.#c;
    const { order, segments } = windowsOf(grid, Math.floor(window_size / grid.merge / patch_size));
    const tokens = array(order, int32);
    const inWindows = (rows: MxArray): MxArray => {
      const byToken = reshape(rows, [order.length, grid.merge ** 2, -1]);
      return reshape(take(byToken, tokens, 0), [order.length * grid.merge ** 2, -1]);
    };
    const angles = inWindows(gridAngles(patchPositions(grid), hidden_size / num_heads));
    const whole = [{ count: grid.frames, size: grid.rows * grid.columns }];
    let h = inWindows(this.patch_embed.forward(patches)); // [N, E]
    this.blocks.forEach((block, i) => {
      h = block.forward(h, angles, fullatt_block_indexes.includes(i) ? whole : segments);
    });
    return take(this.merger.forward(h), argsort(tokens), 0);
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
