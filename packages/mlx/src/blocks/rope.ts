/** Position embeddings by the `rope_scaling` of a config. @see mlx-lm 0.32.2 models/rope_utils.py */

import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { bool, int, list, number, parseConfig, type Schema } from "../models/config.ts";
import { type PositionEmbedding, RoPE } from "../nn/index.ts";
import { DynamicNtkRope } from "./dynamic-rope.ts";
import { grown } from "./grown-rope.ts";
import { LengthRope } from "./length-rope.ts";
import { MultimodalRoPE, sectionAxes } from "./multimodal-rope.ts";
import { llama3Wavelengths, wavelengths, yarnSchema, yarnWavelengths } from "./rope-wavelengths.ts";

/** What `createRope` makes a position embedding from. */
export interface RopeSettings {
  /** Features that turn: the head dimension, or a part of it. */
  dims: number;
  base: number;
  traditional?: boolean;
  scaling?: Readonly<Record<string, unknown>> | undefined;
  maxPositionEmbeddings?: number | undefined;
}

/** Reads one kind's settings; other keys of `rope_scaling` belong to other kinds. */
const read = <S extends Schema>(schema: S, scaling: Readonly<Record<string, unknown>>) =>
  parseConfig(schema, scaling).config;

const linear = ({ dims, base, traditional = false, scaling = {} }: RopeSettings): PositionEmbedding => {
  const { factor } = read({ factor: number.required() }, scaling);
  return new RoPE(dims, { traditional, base, scale: 1 / factor });
};

const dynamic = ({ dims, base, traditional = false, scaling = {}, maxPositionEmbeddings }: RopeSettings) => {
  const { factor } = read({ factor: number.required() }, scaling);
  if (maxPositionEmbeddings === undefined) {
    throw new ConfigError("config.json: dynamic rope_scaling needs max_position_embeddings");
  }
  return new DynamicNtkRope({ dims, base, traditional, factor, trainedLength: maxPositionEmbeddings });
};

const llama3 = ({ dims, base, traditional = false, scaling = {} }: RopeSettings): PositionEmbedding =>
  new RoPE(dims, { traditional, freqs: mx.keep(llama3Wavelengths(dims, base, scaling)) });

/** What YaRN multiplies queries and keys by when the context grows by `scale`. */
export const yarnMscale = (scale: number, mscale: number): number =>
  scale <= 1 ? 1 : 0.1 * mscale * Math.log(scale) + 1;

/** YaRN. @see https://arxiv.org/abs/2309.00071 */
const yarn = ({ dims, base, traditional = false, scaling = {} }: RopeSettings): PositionEmbedding => {
  const { factor, mscale, mscale_all_dim } = read(yarnSchema, scaling);
  const freqs = mx.keep(yarnWavelengths(dims, base, scaling));
  const growth = yarnMscale(factor, mscale) / yarnMscale(factor, mscale_all_dim);
  return grown(new RoPE(dims, { traditional, freqs }), growth);
};

const longropeSchema = {
  original_max_position_embeddings: int.required(),
  short_factor: list(number.required()).optional(),
  long_factor: list(number.required()).required(),
  short_mscale: number.optional(),
  long_mscale: number.optional(),
};

/** LongRoPE with the factors of one of its two ranges of length. */
const longropeOf = (
  name: "short" | "long",
  { dims, base, scaling = {}, maxPositionEmbeddings = 131072 }: RopeSettings,
): PositionEmbedding => {
  const c = read(longropeSchema, scaling);
  const factors = c[`${name}_factor`] ?? [];
  if (factors.length !== dims / 2) {
    throw new ConfigError(
      `config.json: rope_scaling.${name}_factor has ${factors.length} values, expected ${dims / 2}`,
    );
  }
  const freqs = mx.multiply(mx.array([...factors], mx.float32), wavelengths(dims, base));
  const factor = maxPositionEmbeddings / c.original_max_position_embeddings;
  const byLength =
    factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(c.original_max_position_embeddings));
  const scale = c[`${name}_mscale`] ?? byLength;
  return grown(new RoPE(dims, { freqs: mx.keep(freqs) }), scale);
};

/** LongRoPE, with the long factors as mlx-lm uses them at every length. */
const longrope = (settings: RopeSettings): PositionEmbedding => longropeOf("long", settings);

/** LongRoPE with the short factors up to the first trained length, as in training and in mlx-vlm. */
const longropeByLength = (settings: RopeSettings): PositionEmbedding => {
  const c = read(longropeSchema, settings.scaling ?? {});
  const [short, long] = [longropeOf("short", settings), longropeOf("long", settings)];
  return new LengthRope(short, long, c.original_max_position_embeddings);
};

/** Only a part of the features turns; the rest stays by an infinite wavelength. */
const proportional = ({ dims, base, traditional = false, scaling = {} }: RopeSettings): PositionEmbedding => {
  const c = read({ partial_rotary_factor: number.default(1), factor: number.default(1) }, scaling);
  const turned = Math.trunc(dims * c.partial_rotary_factor);
  const freqs = mx.power(mx.full([1], base, mx.float32), mx.arange(0, turned, 2, mx.float32).divide(dims));
  const still = mx.full([(dims - turned) / 2], Number.POSITIVE_INFINITY, mx.float32);
  return new RoPE(dims, { traditional, freqs: mx.keep(mx.concatenate([freqs.multiply(c.factor), still])) });
};

const mropeSchema = {
  mrope_section: list(int.required()).default([]),
  mrope_interleaved: bool.default(false),
};

/** Multimodal rope: pairs of features turn by frame, row or column, by sections. */
const mrope = ({ dims, base, traditional = false, scaling = {} }: RopeSettings): PositionEmbedding => {
  const { mrope_section, mrope_interleaved } = read(mropeSchema, scaling);
  if (mrope_section.length !== 3) {
    throw new ConfigError(
      `config.json: rope_scaling.mrope_section needs 3 sections, not ${mrope_section.length}`,
    );
  }
  return new MultimodalRoPE(dims, {
    traditional,
    base,
    axes: sectionAxes(mrope_section, dims / 2, mrope_interleaved),
  });
};

const kinds: Readonly<Record<string, (settings: RopeSettings) => PositionEmbedding>> = {
  default: (settings) =>
    settings.scaling?.mrope_section === undefined
      ? new RoPE(settings.dims, { traditional: settings.traditional ?? false, base: settings.base })
      : mrope(settings),
  linear,
  dynamic,
  llama3,
  yarn,
  deepseek_yarn: yarn,
  "telechat3-yarn": yarn,
  longrope,
  su: longrope,
  "longrope-by-length": longropeByLength,
  proportional,
  mrope,
};

/**
 * The position embedding that a config asks for.
 *
 * @throws {ConfigError} on an unknown kind or a missing setting
 */
export const createRope = (settings: RopeSettings): PositionEmbedding => {
  const { type, rope_type } = settings.scaling ?? {};
  const kind = String(type ?? rope_type ?? "default");
  const create = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (create === undefined) {
    throw new ConfigError(
      `config.json: rope_scaling type ${kind} is none of ${Object.keys(kinds).join(", ")}`,
    );
  }
  return create(settings);
};

/** The position embedding of one type of layer, by the entry of `rope_parameters` for it, base included. */
export const createLayerRope = (
  parameters: Readonly<Record<string, unknown>>,
  settings: Omit<RopeSettings, "base" | "scaling">,
): PositionEmbedding => {
  const { rope_theta } = read({ rope_theta: number.default(10000) }, parameters);
  return createRope({ ...settings, base: rope_theta, scaling: parameters });
};

/** Rotary embedding with the base that a longer context of `alpha` times the trained one needs. */
export const ntkAlphaRope = (dims: number, base: number, alpha: number): PositionEmbedding =>
  new RoPE(dims, { freqs: mx.keep(wavelengths(dims, base * alpha ** (dims / (dims - 2)))) });

/** Rotary embedding the other way round. */
export const reversedRope = (dims: number, base: number): PositionEmbedding =>
  new RoPE(dims, { freqs: mx.keep(mx.negative(wavelengths(dims, base))) });

/** Leaves positions out: layers without position embedding. */
export const noRope: PositionEmbedding = { forward: (x) => x };
