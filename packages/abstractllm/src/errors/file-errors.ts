import { AbstractLLMError, type AbstractLLMErrorOptions } from "./abstract-llm-error.ts";

/** An image could not be read or put into the provider's format. */
export class ImageProcessingError extends AbstractLLMError {
  static override readonly errorName = "ImageProcessingError";
  static override readonly code = "image-processing";
}

/** A file given with `files` could not be read or is of a kind that cannot be used. */
export class FileProcessingError extends AbstractLLMError {
  static override readonly errorName = "FileProcessingError";
  static override readonly code = "file-processing";
  readonly filePath: string | undefined;
  /** What the file seems to be, such as `"image"` or `"binary"`. */
  readonly fileType: string | undefined;

  constructor(
    message: string,
    options: AbstractLLMErrorOptions & { filePath?: string | undefined; fileType?: string | undefined } = {},
  ) {
    const { filePath, fileType, ...rest } = options;
    super(message, rest);
    this.filePath = filePath;
    this.fileType = fileType;
  }
}
