import { ownOptions } from "../config/own-options.ts";
import { ImageProcessingError } from "../errors/index.ts";
import type { ImageDetail, MediaSource, ProviderFormat } from "../interface/media-source.ts";
import { BaseMediaInput } from "./base-media-input.ts";
import { type ImageHeader, readImageHeader } from "./image/index.ts";
import { IMAGE_FORMATS, type ImageFormats } from "./image-formats.ts";
import { MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from "./limits.ts";
import { MediaProblem } from "./media-problem.ts";
import type { ReadOptions, SourceFile } from "./source-file.ts";

/** How an image is read and looked at. */
export interface ImageInputOptions extends ReadOptions {
  /** How finely it is looked at, where the service can be told. Default `"auto"`. */
  readonly detail?: ImageDetail | undefined;
}

/**
 * An image for a vision model. It is never decoded: type and size come from its header.
 *
 * @throws {ImageProcessingError} for a source of unknown form; the methods, when it cannot be read, is broken, or is
 * larger than 20 MiB or 50 megapixels
 * @example
 * const image = new ImageInput("photo.jpg", { detail: "low" });
 * const part = await image.toProviderFormat("openai"); // { type: "image_url", image_url: { url: "data:…", detail } }
 */
export class ImageInput extends BaseMediaInput {
  readonly mediaType = "image";
  protected readonly maxBytes = MAX_IMAGE_BYTES;
  readonly #detail: ImageDetail | undefined;
  #header: ImageHeader | undefined;

  constructor(source: MediaSource | SourceFile, options: ImageInputOptions = {}) {
    super(source, options);
    this.#detail = ownOptions(options).detail ?? this.file.source.detail;
  }

  /** How finely it is looked at. */
  get detail(): ImageDetail {
    return this.#detail ?? "auto";
  }

  /** Its http(s) address, for services that fetch images themselves. */
  get url(): string | undefined {
    return this.file.url;
  }

  /** Its path, where it is a file of this machine. */
  get path(): string | undefined {
    const { origin } = this.file.source;
    return origin.kind === "path" ? origin.path : undefined;
  }

  /** Type, width and height in pixels, from the header. */
  async header(signal?: AbortSignal): Promise<ImageHeader> {
    if (this.#header !== undefined) return this.#header;
    return this.guarded(async () => {
      const header = readImageHeader(await this.file.read(this.maxBytes, signal));
      const { width, height } = header;
      if (width === 0 || height === 0) throw new MediaProblem(`its size is ${width}x${height} pixels`);
      if (width * height > MAX_IMAGE_PIXELS) {
        throw new MediaProblem(
          `its size of ${width}x${height} pixels is over the limit of ${MAX_IMAGE_PIXELS}; scale it down`,
        );
      }
      this.#header = header;
      return header;
    });
  }

  /** The content, checked. */
  override async bytes(signal?: AbortSignal): Promise<Uint8Array> {
    await this.header(signal);
    return super.bytes(signal);
  }

  /** The content as base64. */
  async base64(signal?: AbortSignal): Promise<string> {
    const { buffer, byteOffset, length } = await this.bytes(signal);
    return Buffer.from(buffer, byteOffset, length).toString("base64");
  }

  /** The content as a data URL. */
  async dataUrl(signal?: AbortSignal): Promise<string> {
    const { mimeType } = await this.header(signal);
    return `data:${mimeType};base64,${await this.base64(signal)}`;
  }

  /** The same image, looked at this finely; `fallback` counts where neither that nor the image says anything. */
  withDetail(detail: ImageDetail | undefined, fallback?: ImageDetail): ImageInput {
    const wanted = detail ?? this.#detail ?? fallback;
    return wanted === this.#detail ? this : new ImageInput(this.file, { detail: wanted });
  }

  /**
   * The part of a request that carries it. An http(s) address stays one for services that fetch it themselves.
   *
   * @throws {ImageProcessingError} for a format that is not known, or a type of image that the service does not take
   */
  override async toProviderFormat<Format extends ProviderFormat>(
    format: Format,
    signal?: AbortSignal,
  ): Promise<ImageFormats[Format]> {
    if (Object.hasOwn(IMAGE_FORMATS, format)) {
      return this.guarded(() => IMAGE_FORMATS[format](this, signal));
    }
    const known = Object.keys(IMAGE_FORMATS).join(", ");
    throw new ImageProcessingError(`There is no image format "${format}". Known formats: ${known}`);
  }

  async metadata(signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const { mimeType, width, height } = await this.header(signal);
    const format = mimeType.slice("image/".length);
    return { mediaType: this.mediaType, mimeType, detail: this.detail, width, height, format };
  }

  protected problem({ message, cause, retryable }: MediaProblem, name: string): ImageProcessingError {
    return new ImageProcessingError(`Cannot use the image ${name}: ${message}`, { cause, retryable });
  }
}
