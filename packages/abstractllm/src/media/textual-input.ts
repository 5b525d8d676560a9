import { ownOptions } from "../config/own-options.ts";
import { FileProcessingError } from "../errors/index.ts";
import type { MediaSource, ProviderFormat } from "../interface/media-source.ts";
import { BaseMediaInput } from "./base-media-input.ts";
import { MAX_FILE_BYTES } from "./limits.ts";
import type { MediaProblem } from "./media-problem.ts";
import { shortName } from "./parse-source.ts";
import type { ReadOptions, SourceFile } from "./source-file.ts";

/** How text is read. */
export interface TextInputOptions extends ReadOptions {
  /** A label of the WHATWG Encoding Standard. Default `"utf-8"`; a byte order mark wins. */
  readonly encoding?: string | undefined;
}

/** How each service writes the text of a file. */
export interface TextFormats {
  openai: { type: "text"; text: string };
  anthropic: { type: "text"; text: string };
  /** Follows the prompt. */
  ollama: string;
  huggingface: {
    type: "text" | "tabular";
    content: string;
    mime_type: string;
    delimiter?: string;
  };
}

/** Media that reach a model as text. */
export abstract class TextualInput extends BaseMediaInput {
  protected readonly maxBytes = MAX_FILE_BYTES;
  /** What separates the cells of a table, where that was told. */
  readonly delimiter?: string | undefined;
  protected readonly encoding: string | undefined;
  #text: string | undefined;

  constructor(source: MediaSource | SourceFile, options: TextInputOptions = {}) {
    super(source, options);
    this.encoding = ownOptions(options).encoding;
  }

  /**
   * The text that the model reads.
   *
   * @throws {FileProcessingError} when the content cannot be read or is not what it should be
   */
  async text(signal?: AbortSignal): Promise<string> {
    this.#text ??= await this.guarded(async () =>
      this.extract(await this.file.read(this.maxBytes, signal), signal),
    );
    return this.#text;
  }

  /** @throws {FileProcessingError} for a format that is not known, and what `text` throws */
  override async toProviderFormat<Format extends ProviderFormat>(
    format: Format,
    signal?: AbortSignal,
  ): Promise<TextFormats[Format]> {
    if (!Object.hasOwn(FORMATS, format)) {
      const known = Object.keys(FORMATS).join(", ");
      throw new FileProcessingError(`There is no text format "${format}". Known formats: ${known}`);
    }
    return FORMATS[format](await this.text(signal), this);
  }

  async metadata(signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const text = await this.text(signal);
    const sizeBytes = (await this.bytes(signal)).length;
    return { mediaType: this.mediaType, mimeType: this.mimeType, sizeBytes, contentLength: text.length };
  }

  /** Text from the content. */
  protected abstract extract(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<string> | string;

  protected problem({ message, cause, retryable }: MediaProblem, name: string): FileProcessingError {
    const options = { cause, retryable, filePath: name, fileType: this.mediaType };
    return new FileProcessingError(`Cannot read the file ${name}: ${message}`, options);
  }
}

const FORMATS: {
  readonly [Format in ProviderFormat]: (text: string, input: TextualInput) => TextFormats[Format];
} = {
  openai: (text) => ({ type: "text", text }),
  anthropic: (text) => ({ type: "text", text }),
  ollama: (text, { name }) => `\n===== JOINT FILES ======\n\n===== ${shortName(name)} =========\n${text}\n`,
  huggingface: (content, { mediaType, mimeType = "text/plain", delimiter }) => ({
    type: mediaType === "tabular" ? mediaType : "text",
    content,
    mime_type: mimeType,
    ...(delimiter === undefined ? {} : { delimiter }),
  }),
};
