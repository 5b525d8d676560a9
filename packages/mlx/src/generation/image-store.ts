/** Images on their way into a model, and what it made of earlier ones. */
import { createHash } from "node:crypto";
import * as mx from "../core/index.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { decodeImage, type ImageProcessor, type ProcessedImage } from "../images/index.ts";
import { type ImageFeatures, toImageArrays, type VisionLanguageModel } from "../vision/index.ts";

/** Features of a few dozen images: enough for a long conversation about several. */
const KEPT_BYTES = 256 * 2 ** 20;
/** More images than the context of any model holds; each is decoded before the prompt is known (CWE-770). */
const MAX_IMAGES = 256;

interface Entry {
  /** Its arrays are gone once there are features. */
  processed: ProcessedImage;
  features: ImageFeatures | undefined;
  leases: number;
}

/** An image in use: it is not forgotten before `release`. */
export interface ImageLease {
  /** Says which image it is: equal files have equal contents. */
  readonly content: string;
  /** How the image stands in the prompt. */
  readonly processed: ProcessedImage;
  /** What the model sees, computed the first time. Not to be disposed. */
  features(): ImageFeatures;
  release(): void;
}

const arraysOf = ({ embeddings, additions = [], states }: ImageFeatures): mx.MxArray[] => [
  embeddings,
  ...additions,
  ...(states === undefined ? [] : [states]),
];

const bytesOf = ({ features }: Entry): number =>
  features === undefined ? 0 : arraysOf(features).reduce((sum, { nbytes }) => sum + nbytes, 0);

/**
 * The images of one model. Equal files are decoded and seen once, be it by several requests or in several turns; the
 * least recently used are forgotten when all together take too much memory.
 */
export class ImageStore {
  readonly processor: ImageProcessor;
  readonly #model: VisionLanguageModel;
  readonly #keptBytes: number;
  /** By content, least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #opening = new Map<string, Promise<ProcessedImage>>();

  /** @param keptBytes - of features that no request uses. Default 256 MiB */
  constructor(model: VisionLanguageModel, processor: ImageProcessor, keptBytes = KEPT_BYTES) {
    this.#model = model;
    this.processor = processor;
    this.#keptBytes = keptBytes;
  }

  /**
   * Decodes and prepares the images of a request.
   *
   * @param files - as they are on disk
   * @throws {ImageError} for a file that is none, broken or too large
   * @throws {InvalidArgumentError} for too many images
   * @throws {MlxError} `aborted`
   */
  async open(files: readonly Uint8Array[], signal?: AbortSignal): Promise<ImageLease[]> {
    if (files.length > MAX_IMAGES) {
      throw new InvalidArgumentError(`Expected at most ${MAX_IMAGES} images but received ${files.length}`);
    }
    const leases: ImageLease[] = [];
    try {
      for (const file of files) {
        if (signal?.aborted === true) throw new MlxError("aborted", "The request was aborted");
        leases.push(await this.#open(file));
      }
    } catch (error) {
      for (const lease of leases) lease.release();
      throw error;
    }
    return leases;
  }

  async #open(file: Uint8Array): Promise<ImageLease> {
    const key = createHash("sha256").update(file).digest("hex");
    if (!this.#entries.has(key)) {
      const processed = await (this.#opening.get(key) ?? this.#process(key, file));
      // another request that waited for the same image may have been first
      if (!this.#entries.has(key)) this.#entries.set(key, { processed, features: undefined, leases: 0 });
    }
    return this.#lease(key);
  }

  #process(key: string, file: Uint8Array): Promise<ProcessedImage> {
    const processed = decodeImage(file)
      .then((image) => this.processor.process(image))
      .finally(() => this.#opening.delete(key));
    this.#opening.set(key, processed);
    return processed;
  }

  #lease(key: string): ImageLease {
    const entry = this.#entries.get(key);
    if (entry === undefined) throw new Error("An image was forgotten before it was used");
    this.#entries.delete(key);
    this.#entries.set(key, entry); // now the most recently used
    entry.leases += 1;
    let isReleased = false;
    return {
      content: key,
      processed: entry.processed,
      features: () => this.#features(entry),
      release: () => {
        if (isReleased) return;
        isReleased = true;
        entry.leases -= 1;
        this.#forget();
      },
    };
  }

  #features(entry: Entry): ImageFeatures {
    if (entry.features !== undefined) return entry.features;
    const { processed } = entry;
    const features = mx.tidy(() => {
      const seen = this.#model.embedImage(toImageArrays(processed));
      for (const array of arraysOf(seen)) mx.keep(array);
      return seen;
    });
    mx.evaluate(arraysOf(features)); // outside: what was made on the way is freed as soon as it has been read
    mx.clearCache();
    entry.features = features;
    entry.processed = { ...processed, arrays: {} }; // pixels take more memory than what was seen in them
    return features;
  }

  /** Lets go of images that nobody uses: those that were never seen, then the oldest beyond the limit. */
  #forget(): void {
    const idle = [...this.#entries].filter(([, { leases }]) => leases === 0);
    let bytes = idle.reduce((sum, [, entry]) => sum + bytesOf(entry), 0);
    for (const [key, entry] of idle) {
      if (entry.features !== undefined && bytes <= this.#keptBytes) continue;
      bytes -= bytesOf(entry);
      for (const array of entry.features === undefined ? [] : arraysOf(entry.features)) array.dispose();
      this.#entries.delete(key);
    }
  }

  dispose(): void {
    for (const { features } of this.#entries.values()) {
      for (const array of features === undefined ? [] : arraysOf(features)) array.dispose();
    }
    this.#entries.clear();
  }
}
