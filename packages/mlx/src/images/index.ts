/** `@abstractllm/mlx/images`: from the bytes of an image to what a model reads. */
export { createImageProcessor, imageModelTypes } from "./create-image-processor.ts";
export { DEFAULT_DECODE_LIMITS, type DecodeLimits, decodeImage } from "./decode/index.ts";
export type {
  ContentPart,
  ImageProcessor,
  PixelArray,
  ProcessedImage,
  PromptPiece,
} from "./image-processor.ts";
export { IMAGE_MARK } from "./prompt-format.ts";
export { type ResampleFilter, resample } from "./resample.ts";
export type { RgbImage } from "./rgb-image.ts";
export type { ProcessorFiles } from "./settings.ts";
