import { ownOptions } from "../config/own-options.ts";
import { FileProcessingError } from "../errors/index.ts";
import type { MediaSource, MediaType } from "../interface/media-source.ts";
import { describeSource } from "./describe-source.ts";
import { DocumentInput } from "./document-input.ts";
import { ImageInput } from "./image-input.ts";
import { isMediaSource } from "./is-media-source.ts";
import { MAX_FILE_BYTES } from "./limits.ts";
import { MediaProblem } from "./media-problem.ts";
import { mediaTypeOf } from "./media-types.ts";
import { UNKNOWN_FORM } from "./parse-source.ts";
import { type ReadOptions, SourceFile } from "./source-file.ts";
import { TabularInput } from "./tabular-input.ts";
import { TextInput } from "./text-input.ts";
import { TextualInput } from "./textual-input.ts";

/** How media are made from a source. */
export interface MediaFactoryOptions extends ReadOptions {
  /** What it is, instead of finding out. */
  readonly mediaType?: MediaType | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Media of one of the types that there are. */
export type Media = ImageInput | TextInput | TabularInput | DocumentInput;

const isMedia = (source: unknown): source is Media =>
  source instanceof ImageInput || source instanceof TextualInput;

/** How media of each type are made from a source. */
const INPUTS: Readonly<Record<MediaType, (file: SourceFile) => Media>> = {
  image: (file) => new ImageInput(file),
  text: (file) => new TextInput(file),
  tabular: (file) => new TabularInput(file),
  document: (file) => new DocumentInput(file),
};

/**
 * Media from a source, their type found out: by content, then by declared type, then by name.
 *
 * An address whose name is an image's is not fetched: many services do that themselves.
 *
 * @throws {FileProcessingError} when the source cannot be read
 * @throws {ImageProcessingError} when it is an image that is broken or too large
 */
async function fromSource(source: MediaSource, given: MediaFactoryOptions = {}): Promise<Media> {
  const options = ownOptions(given);
  if (isMedia(source)) return source;
  try {
    if (!isMediaSource(source)) throw new MediaProblem(UNKNOWN_FORM);
    const file = new SourceFile(source, options);
    const mediaType = options.mediaType ?? (await findType(file, options.signal));
    const input = INPUTS[mediaType](file);
    if (input instanceof ImageInput && input.url === undefined) await input.header(options.signal);
    return input;
  } catch (error) {
    if (!(error instanceof MediaProblem)) throw error;
    const filePath = describeSource(source);
    const { cause, retryable } = error;
    throw new FileProcessingError(`Cannot read the file ${filePath}: ${error.message}`, {
      cause,
      retryable,
      filePath,
    });
  }
}

async function findType(file: SourceFile, signal: AbortSignal | undefined): Promise<MediaType> {
  if (file.url !== undefined && mediaTypeOf(file.mimeType) === "image") return "image";
  await file.read(MAX_FILE_BYTES, signal);
  return mediaTypeOf(file.mimeType) ?? "text";
}

/** Media from several sources, in their order. */
function fromSources(sources: readonly MediaSource[], options: MediaFactoryOptions = {}): Promise<Media[]> {
  return Promise.all(sources.map((source) => fromSource(source, options)));
}

/**
 * Makes media from paths, addresses, data and bytes.
 *
 * @example const [photo, table] = await MediaFactory.fromSources(["photo.jpg", "sales.csv"]);
 */
export const MediaFactory = { fromSource, fromSources } as const;
