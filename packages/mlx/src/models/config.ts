/** `config.json` as a schema: typed, with defaults, and nothing dropped in silence. */
import { ConfigError } from "../errors.ts";
import { isHarmless } from "./harmless-keys.ts";

/** One key: how to check its value, and what stands for an absent one. */
export interface Field<T> {
  readonly read: (value: unknown, key: string) => T;
  readonly absent: (key: string) => T;
  /** The keys inside a value that the field does not know. */
  readonly unknownKeys?: (value: unknown) => readonly string[];
  /** What stands for null, where that differs from an absent key. */
  readonly ofNull?: (key: string) => T;
}

/** The keys of a config, each with how to read it. */
export type Schema = Readonly<Record<string, Field<unknown>>>;

/** The parsed form of a schema. */
export type Infer<S extends Schema> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

const describe = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 80);

const asObject = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;

const mismatch = (key: string, expected: string, value: unknown): never => {
  throw new ConfigError(`config.json: expected ${expected} for ${key} but received ${describe(value)}`, {
    details: { key },
  });
};

const required = (key: string): never => {
  throw new ConfigError(`config.json: the key ${key} is missing`, { details: { key } });
};

/** Makes the kinds of field for one type: required, with a default, optional. */
const field = <T>(read: Field<T>["read"], inside: Pick<Field<T>, "unknownKeys"> = {}) => ({
  required: (): Field<T> => ({ read, absent: required, ...inside }),
  default: (value: T): Field<T> => ({ read, absent: () => value, ...inside }),
  optional: (): Field<T | undefined> => ({ read, absent: () => undefined, ...inside }),
  /** A default that null switches off. */
  nullable: (value: T): Field<T | undefined> => ({
    read,
    absent: () => value,
    ofNull: () => undefined,
    ...inside,
  }),
});

const MAX_SIZE = 2 ** 31 - 1; // MLX's dimensions are 32-bit

/** A whole number from 0 to 2^31 - 1. */
export const int = field((value, key): number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_SIZE
    ? value
    : mismatch(key, "a whole number below 2^31", value),
);

/** A finite number. */
export const number = field((value, key): number =>
  typeof value === "number" && Number.isFinite(value) ? value : mismatch(key, "a number", value),
);

/** A number or an infinity. */
export const bound = field((value, key): number =>
  typeof value === "number" && !Number.isNaN(value) ? value : mismatch(key, "a number or infinity", value),
);

export const bool = field((value, key): boolean =>
  typeof value === "boolean" ? value : mismatch(key, "true or false", value),
);

export const string = field((value, key): string =>
  typeof value === "string" ? value : mismatch(key, "a string", value),
);

/** A list whose items have the given field's type. */
export const list = <T>(item: Field<T>) =>
  field((value, key): readonly T[] =>
    Array.isArray(value) ? value.map((x, i) => item.read(x, `${key}[${i}]`)) : mismatch(key, "a list", value),
  );

/** An object whose keys are read elsewhere. */
export const record = field(
  (value, key): Readonly<Record<string, unknown>> => asObject(value) ?? mismatch(key, "an object", value),
);

/** An object with a schema of its own. */
export const object = <S extends Schema>(schema: S) =>
  field(
    (value, key): Infer<S> =>
      parseConfig(schema, asObject(value) ?? mismatch(key, "an object", value)).config,
    { unknownKeys: (value) => unknownKeys(schema, asObject(value) ?? {}) },
  );

/** One of a few values; a single one where the model has no other way. */
export const oneOf = <const T extends string | number | boolean>(...values: readonly T[]) =>
  field((value, key): T => {
    const found = values.find((v) => v === value);
    return found ?? mismatch(key, `one of ${values.join(", ")}`, value);
  });

/** What one of two fields reads; the second one's message when neither does. */
export const either = <A, B>(a: Field<A>, b: Field<B>) =>
  field((value, key): A | B => {
    try {
      return a.read(value, key);
    } catch {
      return b.read(value, key);
    }
  });

/** One value, or a list of them, mostly one per layer. */
export const oneOrList = <T>(item: Field<T>) => either(item, list(item).required());

/** The value of layer `i`: the only one, or the list's. */
export const ofLayer = <T extends number>(value: T | readonly T[], i: number): T => {
  const found = typeof value === "number" ? value : value[i];
  if (found === undefined) throw new ConfigError(`config.json: a list has no value for layer ${i}`);
  return found;
};

/** Keys of `raw`, at any depth, that the schema does not know and that are not known to be harmless. */
const unknownKeys = (schema: Schema, raw: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(raw).flatMap(([key, value]) => {
    if (value === undefined || value === null) return [];
    if (Object.hasOwn(schema, key))
      return (schema[key]?.unknownKeys?.(value) ?? []).map((k) => `${key}.${k}`);
    return isHarmless(key, value) ? [] : [key];
  });

export interface ParsedConfig<S extends Schema> {
  readonly config: Infer<S>;
  /** Keys that the schema does not know and that are not known to be harmless. */
  readonly unknownKeys: readonly string[];
}

/**
 * Reads a parsed `config.json` by a schema; `null` counts as absent where a field does not say otherwise.
 *
 * @throws {ConfigError} naming the key, what it should be and what it is
 */
export const parseConfig = <S extends Schema>(
  schema: S,
  raw: Readonly<Record<string, unknown>>,
): ParsedConfig<S> => {
  const entries = Object.entries(schema).map(([key, { read, absent, ofNull = absent }]) => {
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
    if (value === undefined) return [key, absent(key)];
    return [key, value === null ? ofNull(key) : read(value, key)];
  });
  return { config: Object.fromEntries(entries) as Infer<S>, unknownKeys: unknownKeys(schema, raw) };
};

/**
 * The config with what transformers 5 nests under `rope_parameters` also where earlier releases had it: `rope_theta`,
 * `partial_rotary_factor` and `rope_scaling`, and `rope_local_base_freq` where sliding layers have settings of their
 * own. Keys already there win.
 */
export const withRopeKeys = (raw: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const nested = asObject(raw.rope_parameters);
  if (nested === undefined) return { ...raw };
  const main = asObject(nested.full_attention) ?? nested;
  return {
    ...raw,
    rope_theta: raw.rope_theta ?? main.rope_theta,
    partial_rotary_factor: raw.partial_rotary_factor ?? main.partial_rotary_factor,
    rope_scaling:
      raw.rope_scaling ??
      (main.rope_type === "default" && main.mrope_section === undefined ? undefined : main),
    rope_local_base_freq: raw.rope_local_base_freq ?? asObject(nested.sliding_attention)?.rope_theta,
  };
};

/** What {@link withRopeKeys} adds, in the schema of a model that reads `rope_parameters` itself. */
export const liftedRopeKeys = {
  rope_theta: number.optional(),
  partial_rotary_factor: number.optional(),
  rope_scaling: record.optional(),
  rope_local_base_freq: number.optional(),
};
