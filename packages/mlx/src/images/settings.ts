/** The files that say how a model's images are prepared. */
import { ConfigError } from "../errors.ts";
import * as field from "../models/config.ts";
import { type Field, type Infer, parseConfig, type Schema } from "../models/config.ts";
import type { ResampleFilter } from "./resample.ts";

type Raw = Readonly<Record<string, unknown>>;

/** What is known of a model's images. */
export interface ProcessorFiles {
  /** `config.json` */
  readonly model: Raw;
  /** `processor_config.json` */
  readonly processor: Raw;
  /** `preprocessor_config.json`, under what `processor_config.json` has as `image_processor` */
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

/** Fields of whole numbers from 1 to `max`: a model that asks for more would only exhaust the machine (CWE-770). */
const bounded = (max: number) => {
  const read = (value: unknown, key: string): number => {
    const found = field.int.required().read(value, key);
    if (found >= 1 && found <= max) return found;
    throw new ConfigError(
      `config.json: expected a whole number from 1 to ${max} for ${key} but received ${found}`,
    );
  };
  return {
    required: (): Field<number> => ({ read, absent: field.int.required().absent }),
    default: (standard: number): Field<number> => ({ read, absent: () => standard }),
    optional: (): Field<number | undefined> => ({ read, absent: () => undefined }),
  };
};

/** A number of pixels, patches or tokens. */
export const count = bounded(1_000_000);

/** A number of tiles; their arrangements are gone through one by one. */
export const tileCount = bounded(256);

/** A size in the forms that `preprocessor_config.json` has had. */
export interface Size {
  readonly height?: number;
  readonly width?: number;
  readonly shortest_edge?: number;
  readonly longest_edge?: number;
}

/** Sides; the edges of some families are numbers of pixels in all. */
const side = bounded(2 ** 31 - 1);
const sides = field.object({
  height: side.optional(),
  width: side.optional(),
  shortest_edge: side.optional(),
  longest_edge: side.optional(),
});
const pair = field.list(side.required()).required();

/** A size; one number is the shortest edge, or the side of a square. */
export const size = (meaning: "square" | "shortest edge", standard: Size): Field<Size> => ({
  absent: () => standard,
  read: (value, key) => {
    if (Array.isArray(value)) {
      const [height, width = height] = pair.read(value, key);
      return height === undefined || width === undefined ? standard : { height, width };
    }
    if (typeof value !== "number") return withoutAbsent(sides.required().read(value, key));
    const edge = side.required().read(value, key);
    return meaning === "square" ? { height: edge, width: edge } : { shortest_edge: edge };
  },
});

const withoutAbsent = (found: Readonly<Record<keyof Size, number | undefined>>): Size =>
  Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));

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
export const filter = (standard: ResampleFilter): Field<ResampleFilter> => ({
  absent: () => standard,
  read: (value) => {
    const found = FILTERS[value as number];
    if (found !== undefined) return found;
    throw new ConfigError(`config.json: expected a filter of 0 to 5 for resample but received ${value}`);
  },
});
