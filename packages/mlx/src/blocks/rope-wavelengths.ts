/** The wavelengths that features of a position embedding turn with, by kind of `rope_scaling`. */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { int, number, parseConfig } from "../models/config.ts";

type Scaling = Readonly<Record<string, unknown>>;

/** `base ** (0, 2, ... dims / dims)`, `[dims / 2]`. */
export const wavelengths = (dims: number, base: number): MxArray =>
  mx.power(mx.full([1], base, mx.float32), mx.arange(0, dims, 2, mx.float32).divide(dims));

const llama3Schema = {
  factor: number.required(),
  low_freq_factor: number.default(1),
  high_freq_factor: number.default(4),
  original_max_position_embeddings: int.default(8192),
};

/** Llama 3.1's: long ones grow by the factor, short ones stay, those between are blended; `[dims / 2]`. */
export const llama3Wavelengths = (dims: number, base: number, scaling: Scaling): MxArray => {
  const c = parseConfig(llama3Schema, scaling).config;
  const trained = c.original_max_position_embeddings;
  const longest = trained / c.low_freq_factor;
  const shortest = trained / c.high_freq_factor;
  const freqs = wavelengths(dims, base);
  const lengths = freqs.multiply(2 * Math.PI);
  const slowed = mx.where(mx.greater(lengths, longest), freqs.multiply(c.factor), freqs);
  const isBetween = mx.logicalAnd(mx.greater(lengths, shortest), mx.less(lengths, longest));
  const smooth = mx
    .divide(trained, lengths)
    .subtract(c.low_freq_factor)
    .divide(c.high_freq_factor - c.low_freq_factor);
  const blended = mx.divide(slowed, mx.subtract(1, smooth).divide(c.factor).add(smooth));
  return mx.where(isBetween, blended, slowed);
};

export const yarnSchema = {
  factor: number.required(),
  original_max_position_embeddings: int.default(4096),
  beta_fast: number.default(32),
  beta_slow: number.default(1),
  mscale: number.default(1),
  mscale_all_dim: number.default(0),
};

/** YaRN's wavelengths: long ones grow by the factor, short ones stay, those between are blended; `[dims / 2]`. */
export const yarnWavelengths = (dims: number, base: number, scaling: Scaling): MxArray => {
  const c = parseConfig(yarnSchema, scaling).config;
  const correctionDim = (rotations: number): number =>
    (dims * Math.log(c.original_max_position_embeddings / (rotations * 2 * Math.PI))) / (2 * Math.log(base));
  const low = Math.max(Math.floor(correctionDim(c.beta_fast)), 0);
  const high = Math.min(Math.ceil(correctionDim(c.beta_slow)), dims - 1);
  const span = low === high ? 0.001 : high - low; // a ramp of no width would divide by zero
  const ramp = mx.clip(
    mx
      .arange(0, dims / 2, 1, mx.float32)
      .subtract(low)
      .divide(span),
    0,
    1,
  );
  const kept = mx.subtract(1, ramp);
  const extra = wavelengths(dims, base);
  const inter = extra.multiply(c.factor);
  return mx.multiply(inter, extra).divide(inter.multiply(kept).add(extra.multiply(mx.subtract(1, kept))));
};
