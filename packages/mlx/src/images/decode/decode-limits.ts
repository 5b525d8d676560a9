import { ImageError } from "../../errors.ts";

/** What an image may be at most. */
export interface DecodeLimits {
  /** Pixels by its header; a few bytes can declare more than memory holds (CWE-409). Default 50 million. */
  maxPixels: number;
  /** Bytes of the file (CWE-400). Default 20 MiB. */
  maxBytes: number;
}

/** Those of media that `abstractllm` reads. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxPixels: 50_000_000, maxBytes: 20 * 1024 * 1024 };

/** @throws {ImageError} when a header declares no picture, or one over the limit */
export function checkSize(width: number, height: number, { maxPixels }: DecodeLimits): void {
  const details = { width, height, maxPixels };
  if (!(width > 0 && height > 0)) {
    throw new ImageError(`The image has a size of ${width}x${height} pixels`, { details });
  }
  if (width * height > maxPixels) {
    throw new ImageError(
      `The image has ${width}x${height} pixels, over the limit of ${maxPixels}; scale it down`,
      { details },
    );
  }
}
