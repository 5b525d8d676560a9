/** One picture of one size for each image: CLIP, SigLIP and who takes theirs. */
import * as field from "../models/config.ts";
import type { PixelArray } from "./image-processor.ts";
import { centerCrop, padToSquare, stackPlanes } from "./pixel-steps.ts";
import { type ResampleFilter, resample } from "./resample.ts";
import type { RgbImage } from "./rgb-image.ts";
import { CENTERED, CLIP, type Normalization, sampleValues, valueKeys } from "./sample-values.ts";
import { filter, fixedSize, type ProcessorFiles, readImageSettings, type Size, size } from "./settings.ts";

/** What a processor does where its settings say nothing. */
export interface FixedSizeDefaults {
  readonly size: Size;
  readonly filter: ResampleFilter;
  readonly normalization: Normalization;
  readonly centerCrop: boolean;
}

/** The shortest edge at 224, and the square in the middle. */
export const CLIP_STEPS: FixedSizeDefaults = {
  size: { shortest_edge: 224 },
  filter: "bicubic",
  normalization: CLIP,
  centerCrop: true,
};

/** The whole picture as a square. */
export const SIGLIP_STEPS: FixedSizeDefaults = {
  size: { height: 224, width: 224 },
  filter: "bicubic",
  normalization: CENTERED,
  centerCrop: false,
};

/** Width and height with the shortest edge at `edge`. */
const toShortestEdge = ({ width, height }: RgbImage, edge: number): [number, number] =>
  width <= height ? [edge, Math.trunc((edge * height) / width)] : [Math.trunc((edge * width) / height), edge];

const resizeTo = (image: RgbImage, target: Size, by: ResampleFilter): RgbImage => {
  if (target.shortest_edge !== undefined) {
    return resample(image, ...toShortestEdge(image, target.shortest_edge), by);
  }
  const { width, height } = fixedSize(target, "size");
  return resample(image, width, height, by);
};

/**
 * Pads to a square, scales, crops and normalizes as the settings say.
 *
 * @returns the steps: an image becomes `[1, 3, H, W]`
 * @see transformers 5.23 image_processing_backends.py PilBackend
 */
export function fixedSizeSteps(
  files: ProcessorFiles,
  defaults: FixedSizeDefaults,
): (image: RgbImage) => PixelArray {
  const s = readImageSettings(
    {
      ...valueKeys(defaults.normalization),
      do_resize: field.bool.default(true),
      size: size("shortest edge", defaults.size),
      resample: filter(defaults.filter),
      do_center_crop: field.bool.default(defaults.centerCrop),
      crop_size: size("square", { height: 224, width: 224 }),
      do_pad: field.bool.default(false),
      image_processor_type: field.string.optional(),
    },
    files,
  );
  const values = sampleValues(s);
  const window = fixedSize(s.crop_size, "crop_size");
  // only LLaVA's own processor pads to a square, with its mean
  const background = s.do_pad && s.image_processor_type?.startsWith("Llava") ? s.image_mean : undefined;
  return (image) => {
    let picture = image;
    if (background !== undefined) {
      picture = padToSquare(
        picture,
        background.map((value) => Math.trunc(value * 255)),
      );
    }
    if (s.do_resize) picture = resizeTo(picture, s.size, s.resample);
    if (s.do_center_crop) picture = centerCrop(picture, window.width, window.height);
    return stackPlanes([picture], values);
  };
}
