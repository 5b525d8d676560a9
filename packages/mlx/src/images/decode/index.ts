/** From files to pixels. */
export { decodeImage } from "./decode-image.ts";
export { DEFAULT_DECODE_LIMITS, type DecodeLimits } from "./decode-limits.ts";
