/** Idefics 2: the picture, or its quarters and the whole. @see mlx-vlm 0.7.10 idefics2/processing_idefics2.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { crop, writePlanes } from "../pixel-steps.ts";
import { defineProcessor, joinTexts, placeImages } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, sampleValues, valueKeys } from "../sample-values.ts";
import {
  count,
  filter,
  type ProcessorFiles,
  readImageSettings,
  readPromptSettings,
  size,
} from "../settings.ts";

const AROUND = "<fake_token_around_image>";

function quartersOf(image: RgbImage): RgbImage[] {
  const [x, y] = [Math.floor(image.width / 2), Math.floor(image.height / 2)];
  const [right, below] = [image.width - x, image.height - y];
  return [
    crop(image, 0, 0, x, y),
    crop(image, x, 0, right, y),
    crop(image, 0, y, x, below),
    crop(image, x, y, right, below),
  ];
}

/** The longer side at most `longest`, then each side at least `shortest`. */
function within({ width, height }: RgbImage, shortest: number, longest: number): [number, number] {
  const aspect = width / height;
  let [w, h] = [width, height];
  if (width >= height && width > longest) [w, h] = [longest, Math.trunc(longest / aspect)];
  else if (height > width && height > longest) [w, h] = [Math.trunc(longest * aspect), longest];
  return [Math.max(w, shortest), Math.max(h, shortest)];
}

/** Pictures of any size as `[N, 3, H, W]`, zeros below and to the right, and where they are. */
function padded(pictures: readonly RgbImage[], values: ReturnType<typeof sampleValues>) {
  const width = Math.max(...pictures.map((picture) => picture.width));
  const height = Math.max(...pictures.map((picture) => picture.height));
  const area = width * height;
  const data = new Float32Array(pictures.length * 3 * area);
  const mask = new Int32Array(pictures.length * area);
  pictures.forEach((picture, i) => {
    const planes = new Float32Array(3 * picture.width * picture.height);
    writePlanes(picture, values, planes);
    for (let row = 0; row < 3 * picture.height; row++) {
      const channel = Math.floor(row / picture.height);
      const at = (i * 3 + channel) * area + (row % picture.height) * width;
      data.set(planes.subarray(row * picture.width, (row + 1) * picture.width), at);
    }
    for (let y = 0; y < picture.height; y++) {
      mask.fill(1, i * area + y * width, i * area + y * width + picture.width);
    }
  });
  return {
    pixel_values: { data, shape: [pictures.length, 3, height, width] },
    pixel_attention_mask: { data: mask, shape: [pictures.length, height, width] },
  };
}

export function idefics2(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CENTERED),
      do_resize: field.bool.default(true),
      size: size("shortest edge", { shortest_edge: 378, longest_edge: 980 }),
      resample: filter("bilinear"),
      do_image_splitting: field.bool.default(false),
    },
    files,
  );
  const { image_seq_len: length } = readPromptSettings({ image_seq_len: count.default(64) }, files);
  const values = sampleValues(s);
  const { shortest_edge: shortest = 378, longest_edge: longest = 980 } = s.size;
  const scale = (image: RgbImage) =>
    s.do_resize ? resample(image, ...within(image, shortest, longest), s.resample) : image;
  return defineProcessor({
    placeholder: "<image>",
    process: (image) => {
      const pictures = (s.do_image_splitting ? [...quartersOf(image), image] : [image]).map(scale);
      const tokens = "<image>".repeat(length);
      return {
        arrays: padded(pictures, values),
        prompt: AROUND + pictures.map(() => tokens).join(AROUND) + AROUND,
        featureTokens: length * pictures.length,
      };
    },
    // neighbours share what stands around them, and a space parts it from a word
    expandPrompt: (prompt, images) =>
      joinTexts(placeImages(prompt, "<image>", images)).map((piece) =>
        typeof piece === "string"
          ? piece
              .replaceAll(AROUND + AROUND, AROUND)
              .replace(new RegExp(`${AROUND}(?=[^\\s<])`, "g"), `${AROUND} `)
          : piece,
      ),
  });
}
