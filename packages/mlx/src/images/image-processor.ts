import type { RgbImage } from "./rgb-image.ts";

/** Numbers for a model, row-major. */
export interface PixelArray {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** An image as a model reads it. */
export interface ProcessedImage {
  /**
   * What the vision tower reads, by mlx-vlm's names: `pixel_values`, float32 `[tiles, 3, H, W]` or patches, and what a
   * family adds to it. Nothing has a dimension for several images.
   */
  readonly arrays: Readonly<Record<string, PixelArray>>;
  /** What stands for the image in the prompt: text to encode, or token ids. */
  readonly prompt: string | readonly number[];
  /** Tokens of the prompt in whose place the image's features go. */
  readonly featureTokens: number;
}

/** A part of a message. */
export type ContentPart = { readonly type: "text"; readonly text: string } | { readonly type: "image" };

/** A prompt is text to encode, with ids of tokens between. */
export type PromptPiece = string | readonly number[];

/** From images to arrays and prompts, for one model. */
export interface ImageProcessor {
  /** The token in whose place features go, where a model's files tell it by its name alone. */
  readonly featureToken?: string;
  /**
   * The arrays and the prompt of an image, whatever else a request holds.
   *
   * @throws {ImageError} for a shape that the model cannot take
   */
  process(image: RgbImage): ProcessedImage;
  /** The `content` of a message with images, as the model's chat template expects it. */
  formatContent(parts: readonly ContentPart[]): string | readonly Readonly<Record<string, unknown>>[];
  /**
   * Puts the images into a rendered prompt, in the order of its placeholders. A placeholder that a message spells
   * out stays text where it is marked as such.
   *
   * @throws {InvalidArgumentError} when there are more or fewer placeholders than images
   */
  expandPrompt(prompt: string, images: readonly ProcessedImage[]): readonly PromptPiece[];
}
