/** Pixels and token ids against Pillow, transformers and mlx-vlm, by the goldens of oracle/images.py. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ImageError } from "../../src/errors.ts";
import {
  createImageProcessor,
  type ImageProcessor,
  imageModelTypes,
  type PixelArray,
  type ProcessedImage,
  type ProcessorFiles,
  type ResampleFilter,
  type RgbImage,
  resample,
} from "../../src/images/index.ts";
import { loadTokenizer } from "../../src/tokenizer/index.ts";
import { readGolden } from "./golden.ts";
import { picture } from "./pictures.ts";

interface Resampling {
  filters: ResampleFilter[];
  pictures: { size: [number, number]; target: [number, number]; sha256: string }[];
}

/** Of one picture: the count of numbers and their hash, by array; null where Python refuses the picture. */
type Summaries = Readonly<Record<string, string>> | null;

interface ProcessorGolden {
  name: string;
  files: ProcessorFiles;
  prompt: string;
  /** Width and height of the pictures; those that are scaled by default. */
  pictures?: [number, number][];
  images: Summaries[];
  /** Token ids of the prompt twice, with two pictures. */
  pair?: string;
}

const folder = fileURLToPath(new URL("../goldens/images/", import.meta.url));
const resampling = readGolden<Resampling>("images/resampling.json");
const pictures = resampling.pictures.map(({ size: [width, height] }, i) =>
  picture(`picture ${i}`, width, height),
);
const PAIR = [22, 24];

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 12);

const summary = (data: Float32Array | Int32Array): string =>
  `${data.length} ${digest(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))}`;

describe.each(resampling.filters)("resample by %s", (filter) => {
  it("gives Pillow's pixels for every shape", () => {
    const column = resampling.filters.indexOf(filter);
    for (const [i, { size, target, sha256 }] of resampling.pictures.entries()) {
      const scaled = resample(pictures[i] as RgbImage, ...target, filter);
      expect(digest(scaled.data), `${size} to ${target}`).toBe(sha256.split(" ")[column]);
    }
  });
});

const tokenizer = loadTokenizer(folder);

async function tokenIds(
  processor: ImageProcessor,
  prompt: string,
  images: readonly ProcessedImage[],
): Promise<Int32Array> {
  const ids: number[] = [];
  for (const piece of processor.expandPrompt(prompt, images)) {
    if (typeof piece === "string") ids.push(...(await tokenizer.encode(piece, { addSpecialTokens: false })));
    else for (const id of piece) ids.push(id);
  }
  return Int32Array.from(ids);
}

const goldens = readdirSync(`${folder}processors`).map((file) =>
  readGolden<ProcessorGolden>(`images/processors/${file}`),
);

const sizeOf = ({ shape }: PixelArray): number => shape.reduce((a, b) => a * b, 1);

describe.each(goldens)("the processor of $name", ({ files, prompt, pictures: own, images, pair }) => {
  const processor = createImageProcessor(files);
  const shown = own?.map(([width, height], i) => picture(`picture ${i}`, width, height)) ?? pictures;

  it("gives Python's arrays and token ids for every shape", async () => {
    for (const [i, expected] of images.entries()) {
      const image = shown[i] as RgbImage;
      const shape = `${image.width}x${image.height}`;
      if (expected === null) {
        expect(() => processor.process(image), shape).toThrow(ImageError);
        continue;
      }
      const processed = processor.process(image);
      const found = Object.entries(processed.arrays).map(([name, { data }]) => [name, summary(data)]);
      for (const array of Object.values(processed.arrays)) expect(sizeOf(array)).toBe(array.data.length);
      const ids = summary(await tokenIds(processor, prompt, [processed]));
      expect({ ids, ...Object.fromEntries(found) }, shape).toEqual(expected);
    }
  });

  it.runIf(pair !== undefined)("places several images in their order", async () => {
    const processed = PAIR.map((i) => processor.process(pictures[i] as RgbImage));
    expect(summary(await tokenIds(processor, prompt + prompt, processed))).toBe(pair);
  });
});

/** Types whose images are prepared as another's. */
const ALIASES = [
  "deepseek_vl_v2",
  "fastvlm",
  "glm4v_moe",
  "lfm2-vl",
  "qwen3_5",
  "qwen3_5_moe",
  "qwen3_vl_moe",
];

it("every family is compared", () => {
  const compared = new Set([...ALIASES, ...goldens.map(({ files }) => files.model.model_type)]);
  expect(imageModelTypes.filter((type) => !compared.has(type))).toEqual([]);
});
