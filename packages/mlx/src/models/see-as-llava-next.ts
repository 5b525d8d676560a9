import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { bestResolution, coveredFeatures, type Sides } from "../images/anyres.ts";
import { type ImageArrays, type ImageFeatures, imageArray, resizeGrid } from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { bool, type Infer, int, list } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { Llava, llavaConfig } from "./llava.ts";
import { rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";

/** What the configs of models that see tiles say besides. */
export const llavaNextConfig = {
  ...llavaConfig,
  /** Height and width, in pixels, of the canvases that pictures are fitted into. */
  image_grid_pinpoints: list(list(int.required()).required()).required(),
  use_image_newline_parameter: bool.optional(), // they all do
};
type Config = Infer<typeof llavaNextConfig>;

/** Makes fewer features of those that a picture covers, `side` being those along a tile. */
type Limit = (covered: Sides, side: number) => Sides;

/** LLaVA that sees the whole and, row by row, the tiles of a canvas as far as the picture covers it. */
class LlavaNext extends Llava {
  /** Ends each row of features. */
  image_newline: MxArray;
  readonly #canvases: readonly Sides[];
  readonly #tile: number; // side in pixels
  readonly #side: number; // side in features
  readonly #limit: Limit;

  constructor(c: Config, language_model: LanguageModel, limit: Limit) {
    super(c, language_model);
    const { image_size, patch_size } = c.vision_config;
    this.image_newline = mx.zeros([c.text_config.hidden_size]);
    this.#canvases = c.image_grid_pinpoints.map(([height = 0, width = 0]) => ({ width, height }));
    this.#tile = image_size;
    this.#side = Math.floor(image_size / patch_size);
    this.#limit = limit;
  }

  override embedImage(arrays: ImageArrays): ImageFeatures {
    const views = this.embedTiles(arrays); // [1 + tiles, N, E]
    const whole = mx.index(views, 0); // [N, E]
    const newline = mx.expandDims(this.image_newline, 0); // [1, E]
    if (views.dim(0) === 1) return { embeddings: mx.concatenate([whole, newline], 0) };
    const [height = 0, width = 0] = [...imageArray(arrays, "image_sizes").toTypedArray()].map(Number);
    const grid = this.#crop(mx.index(views, [1]), { width, height }); // [rows, columns, E]
    const ends = mx.broadcastTo(newline, [grid.dim(0), 1, grid.dim(-1)]);
    return { embeddings: mx.concatenate([whole, mx.flatten(mx.concatenate([grid, ends], 1), 0, 1)], 0) };
  }

  /** What a picture covers of its tiles `[tiles, N, E]`, put together. */
  #crop(tiles: MxArray, picture: Sides): MxArray {
    const canvas = bestResolution(picture, this.#canvases);
    const [down, across, side] = [canvas.height / this.#tile, canvas.width / this.#tile, this.#side];
    const E = tiles.dim(-1);
    const parts = mx.reshape(tiles, [down, across, side, side, E]);
    const all: Sides = { width: across * side, height: down * side };
    const grid = mx.reshape(mx.transpose(parts, [0, 2, 1, 3, 4]), [all.height, all.width, E]);
    const covered = coveredFeatures(picture, all);
    const [top, left] = [(all.height - covered.height) / 2, (all.width - covered.width) / 2];
    const own = mx.slice(grid, [top, left, 0], [all.height - top, all.width - left, E]);
    const { width, height } = this.#limit(covered, side);
    return resizeGrid(own, height, width);
  }
}

/** The keys of what LLaVA's later models see with. */
export const LLAVA_NEXT = /^(model\.)?((vision_tower|multi_modal_projector)\.|image_newline$)/;

/** A model with the eyes of LLaVA's later ones over tiles, given the architecture of its language model. */
export const seeAsLlavaNext = <S extends typeof llavaNextConfig>(
  text: Architecture,
  config: S,
  limitOf: (c: Infer<S>) => Limit,
): Architecture =>
  withVision(text, {
    config,
    weights: LLAVA_NEXT,
    create: (c, language_model) => new LlavaNext(c, language_model, limitOf(c)),
    sanitize: [...fitTower, rename(/^vision_tower\.(?!vision_model\.)/, "vision_tower.vision_model.")],
  });
