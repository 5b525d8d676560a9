/** Rules that fit a checkpoint's weight keys to a model's parameters; data, so they can be printed and tested. */
import type { Dtype } from "../core/index.ts";
import type { TensorChange } from "./tensor-change.ts";

/** A value, or how to take it from the config. */
type FromConfig<C, T> = T | ((config: C) => T);

export interface MapRule<C> {
  readonly kind: "map";
  readonly pattern: RegExp;
  readonly changes: FromConfig<C, readonly TensorChange[]>;
  readonly when?: (shape: readonly number[], config: C, dtype: Dtype) => boolean;
}

export interface SplitRule<C> {
  readonly kind: "split";
  readonly pattern: RegExp;
  readonly to: readonly string[];
  /** Lengths of the parts; equal ones when absent. */
  readonly sizes?: (config: C) => readonly number[];
  readonly axis: number;
  readonly when?: (shape: readonly number[], config: C) => boolean;
  /** The parts take turns along the axis instead of following one another. */
  readonly interleaved?: boolean;
}

export interface ConcatenateRule<C> {
  readonly kind: "concatenate";
  /** Its group `part` matches a part's name. */
  readonly pattern: RegExp;
  readonly to: string;
  readonly parts: readonly string[];
  /** The parts' rows take turns in so many groups instead of following one another. */
  readonly groups?: (config: C) => number;
}

export interface DeriveRule {
  readonly kind: "derive";
  readonly pattern: RegExp;
  readonly to: string;
  readonly changes: readonly TensorChange[];
}

export interface DropLayersRule<C> {
  readonly kind: "drop-layers";
  /** Its group `layer` matches the layer's number. */
  readonly pattern: RegExp;
  readonly from: (config: C) => number;
}

export interface DenseRule<C> {
  readonly kind: "dense";
  readonly pattern: RegExp;
  readonly inputDims: (config: C) => number;
  readonly rules: readonly SanitizeRule<C>[];
}

export interface WhenRule<C> {
  readonly kind: "when-present";
  readonly pattern: RegExp;
  readonly shaped?: (shape: readonly number[]) => boolean;
  readonly rules: readonly SanitizeRule<C>[];
}

/** One change that a checkpoint needs before its tensors fit the model. */
export type SanitizeRule<C> =
  | { readonly kind: "drop"; readonly pattern: RegExp; readonly when?: (config: C) => boolean }
  | DropLayersRule<C>
  | {
      readonly kind: "rename";
      readonly pattern: RegExp;
      readonly to: string;
      readonly when?: (config: C) => boolean;
    }
  | { readonly kind: "stack"; readonly pattern: RegExp; readonly to: string }
  | MapRule<C>
  | SplitRule<C>
  | ConcatenateRule<C>
  | DeriveRule
  | { readonly kind: "repack-float-scales" }
  | DenseRule<C>
  | WhenRule<C>;

/** Leaves out weights whose key matches, always or `when` the config says so. */
export const drop = <C>(pattern: RegExp, when?: (config: C) => boolean): SanitizeRule<C> =>
  when === undefined ? { kind: "drop", pattern } : { kind: "drop", pattern, when };

/**
 * Leaves out the layers from a number on: those behind a model's last one predict further tokens.
 *
 * @param pattern - what of a layer is left out; its group `layer` matches the layer's number. Default: everything
 */
export const dropLayersFrom = <C>(
  from: (config: C) => number,
  pattern = /(^|\.)layers\.(?<layer>\d+)\./,
): DropLayersRule<C> => ({ kind: "drop-layers", pattern, from });

/** Replaces the match in each key by `to`, always or `when` the config says so. */
export const rename = <C>(pattern: RegExp, to: string, when?: (config: C) => boolean): SanitizeRule<C> =>
  when === undefined ? { kind: "rename", pattern, to } : { kind: "rename", pattern, to, when };

/**
 * Stacks the weights of experts, `[N, K]` each, into one `[X, N, K]` named by replacing the match by `to`.
 *
 * @param pattern - its group `expert` matches the expert's number
 */
export const stackExperts = (pattern: RegExp, to: string): SanitizeRule<unknown> => ({
  kind: "stack",
  pattern,
  to,
});

/**
 * Changes the weights whose key matches, all of them or those `when` says by shape, config and dtype.
 *
 * @example map(/conv1d\.weight$/, [transposed(0, 2, 1)], (shape) => shape.at(-1) !== 1)
 */
export const map = <C>(
  pattern: RegExp,
  changes: MapRule<C>["changes"],
  when?: MapRule<C>["when"],
): MapRule<C> => ({ kind: "map", pattern, changes, ...(when === undefined ? {} : { when }) });

/**
 * Cuts each weight whose key matches into one per entry of `to`, which replaces the match.
 *
 * @param sizes - lengths of the parts along `axis`; equal ones by default
 * @param axis - default 0, the rows: right for weights, biases and the parts of quantized weights alike
 * @param when - which of them, by shape and config; all by default
 */
export const splitInto = <C>(
  pattern: RegExp,
  to: readonly string[],
  { axis = 0, ...options }: Partial<Pick<SplitRule<C>, "sizes" | "axis" | "when">> = {},
): SplitRule<C> => ({ kind: "split", pattern, to, axis, ...options });

/** Cuts each weight whose key matches into parts that take turns along `axis`: rows 0, 2, 4 and rows 1, 3, 5. */
export const deinterleave = (pattern: RegExp, to: readonly string[], axis = 0): SplitRule<unknown> => ({
  kind: "split",
  pattern,
  to,
  axis,
  interleaved: true,
});

/**
 * Joins the rows of weights that differ in one part of their key, where all parts are there.
 *
 * @param pattern - its group `part` matches the part's name
 * @param to - replaces the match
 * @param groups - in how many groups the parts' rows take turns; one by default
 */
export const concatenateInto = <C>(
  pattern: RegExp,
  to: string,
  parts: readonly string[],
  groups?: ConcatenateRule<C>["groups"],
): ConcatenateRule<C> => ({
  kind: "concatenate",
  pattern,
  to,
  parts,
  ...(groups === undefined ? {} : { groups }),
});

/**
 * Adds a changed copy of each weight whose key matches, named by replacing the match by `to`, where a checkpoint has
 * none of that name.
 */
export const derive = (pattern: RegExp, to: string, changes: readonly TensorChange[]): DeriveRule => ({
  kind: "derive",
  pattern,
  to,
  changes,
});

/** Float8 and float4 weights with a `scale` that is a power of two, as DeepSeek 4.1 saves them, in MLX's layout. */
export const repackFloats: SanitizeRule<unknown> = { kind: "repack-float-scales" };

/**
 * Applies rules to the weights of the layers whose path matches, dequantized where they are quantized, and quantizes
 * the results alike.
 *
 * @param inputDims - the length of a dense row
 */
export const throughDense = <C>(
  pattern: RegExp,
  inputDims: (config: C) => number,
  rules: readonly SanitizeRule<C>[],
): DenseRule<C> => ({ kind: "dense", pattern, inputDims, rules });

/**
 * Applies rules to a checkpoint that has a key which matches: one that was not converted yet.
 *
 * @param shaped - what the shape of that weight must be besides; any by default
 */
export const whenPresent = <C>(
  pattern: RegExp,
  rules: readonly SanitizeRule<C>[],
  shaped?: WhenRule<C>["shaped"],
): WhenRule<C> => ({
  kind: "when-present",
  pattern,
  rules,
  ...(shaped === undefined ? {} : { shaped }),
});
