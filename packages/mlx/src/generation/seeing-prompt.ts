import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { ImagePrompt, type VisionLanguageModel } from "../vision/index.ts";
import type { PrefixKey } from "./evaluated-sequence.ts";
import type { ImageLease } from "./image-store.ts";
import type { Prompt, Wanted } from "./prompt.ts";

/** A prompt with images, which it gives back when it is disposed. */
export class SeeingPrompt implements Prompt {
  readonly tokens: readonly number[];
  readonly #model: VisionLanguageModel;
  readonly #images: readonly ImageLease[];
  #prompt: ImagePrompt | undefined;

  constructor(model: VisionLanguageModel, tokens: readonly number[], images: readonly ImageLease[]) {
    this.tokens = tokens;
    this.#model = model;
    this.#images = images;
  }

  get inputs(): readonly number[] {
    return this.tokens;
  }

  standsForImage(token: number): boolean {
    return this.#model.standsForImage(token);
  }

  /** One image at a time through the tower. */
  *prepare(): Generator<void> {
    const features = [];
    for (const image of this.#images) {
      features.push(image.features());
      yield;
    }
    this.#prompt = new ImagePrompt(this.#model, this.tokens, features);
  }

  get #prepared(): ImagePrompt {
    if (this.#prompt === undefined) throw new Error("A prompt was evaluated before prepare() was run");
    return this.#prompt;
  }

  get key(): PrefixKey | undefined {
    return this.#prepared.contents(this.#images.map(({ content }) => content));
  }

  endOf(start: number, size: number): number {
    return this.#prepared.endOf(start, size);
  }

  forward(start: number, end: number, cache: readonly LayerCache[], wanted?: Wanted): MxArray {
    return this.#prepared.forward(start, end, cache, wanted);
  }

  finish(cache: readonly LayerCache[]): void {
    this.#prepared.finish(cache);
  }

  dispose(): void {
    for (const image of this.#images) image.release();
  }
}
