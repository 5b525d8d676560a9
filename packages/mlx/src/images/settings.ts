/** The files that say how a model's images are prepared. */
import { ConfigError, InvalidArgumentError } from "../errors.ts";
import * as field from "../models/config.ts";
import { type Infer, parseConfig, type Schema } from "../models/config.ts";
import type { SampleValues } from "./pixel-steps.ts";
import type { ResampleFilter } from "./resample.ts";

type Raw = Readonly<Record<string, unknown>>;

/** What is known of a model's images. */
export interface ProcessorFiles {
  /** `config.json` */
  readonly model: Raw;
  /** `processor_config.json` */
  readonly processor: Raw;
  /** `image_processor` in `processor_config.json`, or else `preprocessor_config.json` */
  readonly image: Raw;
}

/**
 * The values of a schema's keys; what else a file holds is for others.
 *
 * @throws {ConfigError} naming file, key, what it should be and what it is
 */
export function readSettings<S extends Schema>(schema: S, raw: Raw, file: string): Infer<S> {
  try {
    return parseConfig(schema, raw).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.message.replace("config.json", file), { details: error.details });
  }
}

/** How an image is prepared, from `preprocessor_config.json`. */
export const readImageSettings = <S extends Schema>(schema: S, { image }: ProcessorFiles): Infer<S> =>
  readSettings(schema, image, "preprocessor_config.json");

/** How prompts are written, from `processor_config.json`. */
export const readPromptSettings = <S extends Schema>(schema: S, { processor }: ProcessorFiles): Infer<S> =>
  readSettings(schema, processor, "processor_config.json");

/** What of the model's own `config.json` bears on its images. */
export const readModelSettings = <S extends Schema>(schema: S, { model }: ProcessorFiles): Infer<S> =>
  readSettings(schema, model, "config.json");

/** A size in the forms that `preprocessor_config.json` has had. */
export interface Size {
  readonly height?: number;
  readonly width?: number;
  readonly shortest_edge?: number;
  readonly longest_edge?: number;
}

const sides = field.object({
  height: field.int.optional(),
  width: field.int.optional(),
  shortest_edge: field.int.optional(),
  longest_edge: field.int.optional(),
});

/** A size; one number is the shortest edge, or the side of a square. */
export const size = (meaning: "square" | "shortest edge", standard: Size): field.Field<Size> => {
  const { read } = field.either(field.int.required(), sides.required()).required();
  return {
    absent: () => standard,
    read: (value, key) => {
      const found = Array.isArray(value) ? { height: value[0], width: value[1] } : read(value, key);
      if (typeof found !== "number") return found as Size;
      return meaning === "square" ? { height: found, width: found } : { shortest_edge: found };
    },
  };
};

/** Height and width that a size must have. @throws {ConfigError} */
export function fixedSize({ height, width }: Size, key: string): { height: number; width: number } {
  if (height !== undefined && width !== undefined) return { height, width };
  throw new ConfigError(`preprocessor_config.json: expected height and width for ${key}`, {
    details: { key },
  });
}

/** Pillow's filters by number. */
const FILTERS: readonly ResampleFilter[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** The filter of `resample`. */
export const filter = (standard: ResampleFilter): field.Field<ResampleFilter> => ({
  absent: () => standard,
  read: (value) => {
    const found = FILTERS[value as number];
    if (found !== undefined) return found;
    throw new ConfigError(`config.json: expected a filter of 0 to 5 for resample but received ${value}`);
  },
});

/** Mean and standard deviation that CLIP's images have. */
export const CLIP: Normalization = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
/** From -1 to 1. */
export const CENTERED: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
/** Of the pictures of ImageNet. */
export const IMAGENET: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Keys of how samples become numbers. */
export const valueKeys = ({ mean, std }: Normalization) => ({
  do_rescale: field.bool.default(true),
  rescale_factor: field.number.default(1 / 255),
  do_normalize: field.bool.default(true),
  image_mean: field.list(field.number.required()).default(mean),
  image_std: field.list(field.number.required()).default(std),
});

/** The steps from a sample to a number, as rounded by whoever wrote a processor. */
type Arithmetic = (sample: number, factor: number, mean: number, deviation: number) => number;

const { fround } = Math;

/** As transformers does: scaled in float64, then float32. */
export const asTransformers: Arithmetic = (sample, factor, mean, deviation) =>
  fround(fround(sample * factor) - fround(mean)) / fround(deviation);

/** As mlx-vlm's processors in NumPy do: float32 throughout. */
export const inFloat32: Arithmetic = (sample, factor, mean, deviation) =>
  asTransformers(sample, fround(factor), mean, deviation);

/** Divided by 255 in float32, which rounds otherwise than a product, and float32 from there. */
export const dividedInFloat32: Arithmetic = (sample, _, mean, deviation) =>
  asTransformers(sample / 255, 1, mean, deviation);

/** The same, then rounded to bfloat16. */
export const dividedToBfloat16: Arithmetic = (sample, factor, mean, deviation) => {
  const [bits = 0] = new Uint32Array(
    Float32Array.of(dividedInFloat32(sample, factor, mean, deviation)).buffer,
  );
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000; // to the nearest, ties to even
  return new Float32Array(Int32Array.of(rounded).buffer)[0] ?? 0;
};

/** What samples become that go through float32 numbers of 0 to 1 and back: some are cut down to the next lower one. */
export const truncatedSamples = (factor: number): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, sample) => Math.trunc(fround(fround(sample * factor) * 255)));

/** Divided by 255 in float32, then float64. */
export const dividedThenFloat64: Arithmetic = (sample, _, mean, deviation) =>
  (fround(sample / 255) - mean) / deviation;

/**
 * What a sample becomes: scaled, less the mean, by the deviation.
 *
 * @throws {InvalidArgumentError} when mean or deviation are not three
 */
export function sampleValues(
  s: Infer<ReturnType<typeof valueKeys>>,
  arithmetic: Arithmetic = asTransformers,
): SampleValues {
  const table = (channel: number): Float32Array => {
    const [mean, deviation] = [s.image_mean[channel], s.image_std[channel]];
    if (mean === undefined || deviation === undefined) {
      throw new InvalidArgumentError("Expected three numbers for image_mean and image_std");
    }
    const factor = s.do_rescale ? s.rescale_factor : 1;
    return Float32Array.from({ length: 256 }, (_, sample) =>
      s.do_normalize ? arithmetic(sample, factor, mean, deviation) : arithmetic(sample, factor, 0, 1),
    );
  };
  return [table(0), table(1), table(2)];
}
