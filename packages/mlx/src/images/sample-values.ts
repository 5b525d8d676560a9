/** From samples of 0 to 255 to the numbers that a model reads. */
import { ConfigError } from "../errors.ts";
import type { Infer } from "../models/config.ts";
import * as field from "../models/config.ts";
import type { SampleValues } from "./pixel-steps.ts";

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
 * @throws {ConfigError} when mean or deviation are not three
 */
export function sampleValues(
  s: Infer<ReturnType<typeof valueKeys>>,
  arithmetic: Arithmetic = asTransformers,
): SampleValues {
  const table = (channel: number): Float32Array => {
    const [mean, deviation] = [s.image_mean[channel], s.image_std[channel]];
    if (mean === undefined || deviation === undefined) {
      throw new ConfigError("preprocessor_config.json: expected three numbers for image_mean and image_std");
    }
    const factor = s.do_rescale ? s.rescale_factor : 1;
    return Float32Array.from({ length: 256 }, (_, sample) =>
      s.do_normalize ? arithmetic(sample, factor, mean, deviation) : arithmetic(sample, factor, 0, 1),
    );
  };
  return [table(0), table(1), table(2)];
}
