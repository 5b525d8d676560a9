/**
 * Phi 3 and 3.5 Vision: CLIP's patches, four to a token, of the whole picture and of its tiles. Rows go over all tiles as
 * in training, where mlx-vlm puts tile after tile.
 *
 * @see mlx-vlm 0.7.10 models/phi3_v
 */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import {
  CLIP,
  ClipTower,
  clipTowerConfig,
  GeluLayer,
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  imageTiles,
  patchSquares,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, object, string } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { architecture as phi3 } from "./phi3.ts";
import { drop, rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapOptionalText } from "./wrap-text.ts";

/** Prompts have a negative number where a row of features goes. */
const IMAGE_TOKEN = -1;

const config = {
  vision_config: object({
    ...clipTowerConfig,
    // what the sizes above say as well
    image_dim_out: int.optional(),
    name: string.optional(),
    num_img_tokens: int.optional(),
    projection_dim: int.optional(),
    vocab_size: int.optional(),
  }).required(),
  hidden_size: int.required(),
};
type Config = Infer<typeof config>;

class Seeing extends Module {
  img_processor: ClipTower;
  /** Between the tiles and the whole, and at the end of a row. */
  glb_GN: MxArray;
  sub_GN: MxArray;
  img_projection: [Linear, GeluLayer, Linear];
  readonly #tileSize: number;
  /** Tokens along a side of a tile. */
  readonly #side: number;

  constructor({ vision_config: c, hidden_size }: Config) {
    super();
    const width = c.hidden_size * 4;
    this.img_processor = new ClipTower(c, CLIP);
    this.glb_GN = mx.zeros([1, 1, width]);
    this.sub_GN = mx.zeros([1, 1, 1, width]);
    this.img_projection = [
      new Linear(width, hidden_size),
      new GeluLayer(),
      new Linear(hidden_size, hidden_size),
    ];
    this.#tileSize = c.image_size;
    this.#side = Math.floor(c.image_size / c.patch_size / 2);
  }

  /** The whole and its tiles `[1 + tiles, C, H, W]` to the tiles' rows of tokens, a separator, and the whole's, `[N, E]`. */
  forward(pixels: MxArray, height: number, width: number): MxArray {
    const states = this.img_processor.hiddenStates(pixels).at(-2) ?? pixels;
    const patches = mx.index(states, [], [1]); // without the class token
    const S = this.#side;
    const tokens = mx.reshape(patchSquares(patches, 2 * S, 2 * S, 2), [-1, S, S, patches.dim(-1) * 4]);
    const [whole = tokens, tiles = tokens] = mx.split(tokens, [1], 0);
    const [rows, columns] = [height / this.#tileSize, width / this.#tileSize];
    const grid = mx.transpose(mx.reshape(tiles, [rows, columns, S, S, -1]), [0, 2, 1, 3, 4]);
    const all = [
      this.#endRows(mx.reshape(grid, [rows * S, columns * S, -1])),
      mx.squeeze(this.glb_GN, 0),
      this.#endRows(mx.squeeze(whole, 0)),
    ];
    return this.img_projection.reduce((h, layer) => layer.forward(h), mx.concatenate(all, 0));
  }

  /** `[rows, columns, E] -> [rows * (columns + 1), E]` */
  #endRows(x: MxArray): MxArray {
    const ends = mx.broadcastTo(mx.squeeze(this.sub_GN, 0), [x.dim(0), 1, x.dim(2)]);
    return mx.flatten(mx.concatenate([x, ends], 1), 0, 1);
  }
}

/** Where checkpoints have what sees, beside the language model's parts. */
class Inner extends Module {
  vision_embed_tokens: Seeing;

  constructor(c: Config) {
    super();
    this.vision_embed_tokens = new Seeing(c);
  }
}

class Phi3Vision extends VisionLanguageModel {
  model: Inner;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, IMAGE_TOKEN);
    this.model = new Inner(c);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const [height = 0, width = 0] = [...imageArray(arrays, "image_sizes").toTypedArray()].map(Number);
    return { embeddings: this.model.vision_embed_tokens.forward(imageTiles(arrays), height, width) };
  }
}

const SEEING = /^model\.vision_embed_tokens\./;

const seeing = withVision(wrapOptionalText(phi3, [drop(SEEING), rename(/^language_model\./, "")]), {
  config,
  weights: SEEING,
  create: (c, language_model) => new Phi3Vision(c, language_model),
  sanitize: [...fitTower, rename(/^/, "model.")],
});

/** Its short factors for short sequences, as in training. */
const ropeByLength = (scaling: unknown): unknown =>
  typeof scaling === "object" && scaling !== null && "short_factor" in scaling
    ? { ...scaling, type: "longrope-by-length" }
    : scaling;

/** Microsoft's configs describe the tower in `img_processor`, converted ones in `vision_config`. */
export const architecture: Architecture = {
  bind: (raw) => {
    const { img_processor, embd_layer: _, text_config: __, ...own } = raw;
    const { vision_config = img_processor, ...text } = own;
    const text_config = { ...text, rope_scaling: ropeByLength(text.rope_scaling) };
    return seeing.bind({ ...text, vision_config, text_config });
  },
};
