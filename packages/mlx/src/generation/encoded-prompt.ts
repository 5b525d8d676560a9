import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { MlxError } from "../errors.ts";
import type { LanguageModel, PromptEncoder } from "../models/index.ts";
import { type ImageFeatures, ImagePrompt, VisionLanguageModel } from "../vision/index.ts";
import type { ImageLease } from "./image-store.ts";
import type { Prompt, Wanted } from "./prompt.ts";

/** A prompt, images and all, that an encoder reads at once; a decoder starts from tokens of its own. */
export class EncodedPrompt implements Prompt {
  readonly inputs: readonly number[];
  readonly tokens: readonly number[];
  /** Whatever the decoder knows depends on all of the prompt. */
  readonly key = undefined;
  readonly #model: LanguageModel;
  readonly #encoder: PromptEncoder;
  readonly #images: readonly Pick<ImageLease, "features" | "release">[];
  #states: MxArray | undefined;

  /**
   * @param inputs - token ids, with as many image tokens as the images have rows of features, in their order
   * @throws {MlxError} `context-length` when the encoder has no positions for so many
   */
  constructor(
    model: LanguageModel,
    encoder: PromptEncoder,
    inputs: readonly number[],
    images: readonly Pick<ImageLease, "features" | "release">[],
  ) {
    if (inputs.length > encoder.maxLength) {
      throw new MlxError(
        "context-length",
        `The prompt has ${inputs.length} tokens, but the model's encoder reads ${encoder.maxLength}. Shorten the prompt.`,
        { details: { contentLength: inputs.length, contextLength: encoder.maxLength } },
      );
    }
    this.inputs = inputs;
    this.tokens = encoder.start;
    this.#model = model;
    this.#encoder = encoder;
    this.#images = images;
  }

  standsForImage(token: number): boolean {
    return this.#images.length > 0 && this.#seeing?.standsForImage(token) === true;
  }

  get #seeing(): VisionLanguageModel | undefined {
    return this.#model instanceof VisionLanguageModel ? this.#model : undefined;
  }

  /** One image at a time through the tower, then all through the encoder. */
  *prepare(): Generator<void> {
    const features: ImageFeatures[] = [];
    for (const image of this.#images) {
      features.push(image.features());
      yield;
    }
    const states = mx.tidy(() => mx.keep(this.#encoder.encode(this.#embed(features))));
    this.#states = mx.replace(this.#states, states);
    mx.evaluate(states);
    mx.clearCache();
  }

  #embed(images: readonly ImageFeatures[]): MxArray {
    const seeing = this.#seeing;
    return seeing === undefined || images.length === 0
      ? this.#model.embed(mx.array([[...this.inputs]], mx.int32))
      : new ImagePrompt(seeing, this.inputs, images).embeddings();
  }

  endOf(start: number, size: number): number {
    return Math.min(start + size, this.tokens.length);
  }

  forward(start: number, end: number, cache: readonly LayerCache[], wanted?: Wanted): MxArray {
    if (this.#states === undefined) throw new Error("A prompt was evaluated before prepare() was run");
    const ids = mx.array([this.tokens.slice(start, end)], mx.int32);
    return this.#model.forward(ids, { cache, ...wanted, ...(start === 0 && { states: this.#states }) });
  }

  finish(): void {
    // the caches have counted
  }

  dispose(): void {
    this.#states?.dispose();
    this.#states = undefined;
    for (const image of this.#images) image.release();
  }
}
