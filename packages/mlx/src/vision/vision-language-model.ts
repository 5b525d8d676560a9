/** What models that see have in common: features of images stand where their prompts have image tokens. */
import { TextModel } from "../blocks/text-model.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { Module, type Quantization } from "../nn/index.ts";

/** What an image processor makes of one image, by mlx-vlm's names: `pixel_values` and what a family adds to it. */
export type ImageArrays = Readonly<Record<string, MxArray>>;

/** What a model makes of one image. */
export interface ImageFeatures {
  /** A row for each of the image's tokens, `[N, E]`. */
  readonly embeddings: MxArray;
  /** `[N, E]` each: added to what leaves the first blocks. */
  readonly additions?: readonly MxArray[];
  /** `[S, E]`: seen across by the tokens from the image's own on, up to the next image apart from it. */
  readonly states?: MxArray;
  /** Frames, rows and columns of the image's tokens, for models whose positions follow them. */
  readonly grid?: readonly [frames: number, rows: number, columns: number];
}

/** One of an image's arrays. @throws {InvalidArgumentError} when it is missing */
export const imageArray = (arrays: ImageArrays, name: string): MxArray => {
  const found = arrays[name];
  if (found === undefined) {
    throw new InvalidArgumentError(
      `Expected the array ${name} for an image but received ${Object.keys(arrays).join(", ")}`,
    );
  }
  return found;
};

/** The pixels of an image, of one tile where it is not cut into several, `[tiles, C, H, W]`. */
export const imageTiles = (arrays: ImageArrays): MxArray => {
  const pixels = imageArray(arrays, "pixel_values");
  return pixels.ndim === 3 ? mx.expandDims(pixels, 0) : pixels;
};

const LANGUAGE = "language_model.";

/** Everything but the language model. */
class Parts extends Module {}

/** A language model under `language_model` that sees images through the other parts. */
export abstract class VisionLanguageModel extends TextModel {
  /** Stands in a prompt where a row of features goes: by the config, where the tokenizer does not know better. */
  imageTokenId: number;

  constructor(language_model: LanguageModel, imageTokenId: number) {
    super(language_model);
    this.imageTokenId = imageTokenId;
  }

  /** The features of one image. */
  abstract embedImage(arrays: ImageArrays): ImageFeatures;

  /** Whether a token, which may be in no vocabulary, stands in prompts where images are. */
  standsForImage(token: number): boolean {
    return token === this.imageTokenId;
  }

  /** Where tokens see those after them as well: within each image, or throughout a prompt with images. */
  get seesWhole(): "images" | "prompt" | undefined {
    return undefined;
  }

  /**
   * Input embeddings of tokens, image tokens being rows of features in their order.
   *
   * @param features - as many rows as there are image tokens, `[N, E]`
   * @returns `[1, L, E]`
   */
  mergeEmbeddings(tokens: readonly number[], features: MxArray): MxArray {
    const words = tokens.map((token) => (token === this.imageTokenId ? 0 : token)); // which may be no row of the table
    return this.placeFeatures(tokens, features, this.embed(mx.array([words], mx.int32)));
  }

  /** Rows of features at image tokens, in their order, and `ground` at the others, `[1, L, E]`. */
  placeFeatures(tokens: readonly number[], features: MxArray, ground: MxArray): MxArray {
    let seen = 0;
    const isImage = tokens.map((token) => token === this.imageTokenId);
    const rows = isImage.map((is) => (is ? seen++ : 0));
    const pictures = mx.take(features.astype(ground.dtype), mx.array(rows, mx.int32), 0); // [L, E]
    return mx.where(mx.expandDims(mx.array(isImage, mx.bool_), 1), pictures, ground);
  }

  /** Only the language model: features of images would pay for the little memory saved. */
  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return path.startsWith(LANGUAGE) && super.quantizationOf(path);
  }

  /** The language model by itself, which may fit itself to its weights; then the other parts. */
  override loadWeights(weights: ReadonlyMap<string, MxArray>, options: { strict?: boolean } = {}): void {
    const entries = [...weights];
    const isLanguage = ([key]: [string, MxArray]): boolean => key.startsWith(LANGUAGE);
    super.loadWeights(new Map(entries.filter(isLanguage)), options);
    const { language_model: _, ...fields } = this;
    const parts = Object.assign(new Parts(), fields);
    parts.loadWeights(new Map(entries.filter((entry) => !isLanguage(entry))), options);
    Object.assign(this, Object.fromEntries(parts.ownParameters())); // those in modules are in place
  }
}
