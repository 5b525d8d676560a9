/** FastVLM: the whole in a black square. @see mlx-vlm 0.7.10 fastvlm/processing.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { centerCrop, padToSquare, stackPlanes } from "../pixel-steps.ts";
import { defineProcessor, textContent } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { dividedInFloat32, sampleValues, truncatedSamples, valueKeys } from "../sample-values.ts";
import {
  count,
  filter,
  type ProcessorFiles,
  readImageSettings,
  readModelSettings,
  size,
} from "../settings.ts";

const BLACK = [0, 0, 0];

/** Pixels of a side for which there is one feature. */
const tower = { patch_size: count.default(64) };

export function fastvlm(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys({ mean: [0, 0, 0], std: [1, 1, 1] }),
      size: size("shortest edge", { shortest_edge: 1024 }),
      crop_size: size("square", {}),
      resample: filter("bicubic"),
    },
    files,
  );
  const m = readModelSettings(
    {
      image_token_index: field.number.default(-200),
      vision_config: field.object(tower).default({ patch_size: 64 }),
    },
    files,
  );
  const values = sampleValues(s, dividedInFloat32);
  const side = s.size.shortest_edge ?? s.size.height ?? 1024;
  const { width = side, height = side } = s.crop_size;
  const { patch_size: patch } = m.vision_config;
  const samples = truncatedSamples(Math.fround(s.rescale_factor));
  return defineProcessor({
    placeholder: "<image>",
    formatContent: textContent("\n"),
    process: (image) => {
      const darkened: RgbImage = { ...image, data: image.data.map((sample) => samples[sample] as number) };
      const square = resample(padToSquare(darkened, BLACK), side, side, s.resample);
      const featureTokens = Math.floor(width / patch) * Math.floor(height / patch);
      return {
        arrays: { pixel_values: stackPlanes([centerCrop(square, width, height)], values) },
        prompt: Array<number>(featureTokens).fill(m.image_token_index),
        featureTokens,
      };
    },
  });
}
