/** Rules that fit a checkpoint's weight keys to a model's parameters; data, so they can be printed and tested. */
import {
  arange,
  concatenate,
  type Dtype,
  type MxArray,
  reshape,
  split,
  stack,
  take,
  tidy,
} from "../core/index.ts";
import { WeightsError } from "../errors.ts";
import { pack, repackFloatScales, takePacked, unpack } from "./packed-weights.ts";
import { applyChange, type TensorChange, transposed } from "./tensor-change.ts";

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

interface ConcatenateRule {
  readonly kind: "concatenate";
  /** Its group `part` matches a part's name. */
  readonly pattern: RegExp;
  readonly to: string;
  readonly parts: readonly string[];
}

interface DeriveRule {
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
  | ConcatenateRule
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
 * @param options - `sizes`: lengths of the parts along `axis`, equal ones by default; `axis`: default 0, the rows: right
 *   for weights, biases and the parts of quantized weights alike; `when`: which of them, by shape and config, all by default
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
 */
export const concatenateInto = (pattern: RegExp, to: string, parts: readonly string[]): ConcatenateRule => ({
  kind: "concatenate",
  pattern,
  to,
  parts,
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

const mapMatches = <C>(
  weights: ReadonlyMap<string, MxArray>,
  { pattern, changes, when = () => true }: MapRule<C>,
  config: C,
): Map<string, MxArray> => {
  const steps = typeof changes === "function" ? changes(config) : changes;
  return new Map(
    [...weights].map(([key, value]) =>
      pattern.test(key) && when(value.shape, config, value.dtype)
        ? [key, steps.reduce(applyChange, value)]
        : [key, value],
    ),
  );
};

const takeTurns = (value: MxArray, parts: number, axis: number): MxArray[] =>
  Array.from({ length: parts }, (_, i) => take(value, arange(i, value.dim(axis), parts), axis));

const splitMatches = <C>(
  weights: ReadonlyMap<string, MxArray>,
  { pattern, to, sizes, axis, interleaved = false, when = () => true }: SplitRule<C>,
  config: C,
): Map<string, MxArray> =>
  new Map(
    [...weights].flatMap(([key, value]): [string, MxArray][] => {
      if (!pattern.test(key) || !when(value.shape, config)) return [[key, value]];
      const lengths = sizes?.(config) ?? to.map(() => value.dim(axis) / to.length);
      const total = lengths.reduce((sum, length) => sum + length, 0);
      if (total !== value.dim(axis) || !lengths.every(Number.isInteger)) {
        throw new WeightsError(
          `Cannot cut ${key} [${value.shape}] into parts of ${lengths.join(", ")} along axis ${axis}`,
        );
      }
      const ends = lengths.slice(0, -1).map((_, i) => lengths.slice(0, i + 1).reduce((a, b) => a + b));
      const parts = interleaved ? takeTurns(value, to.length, axis) : split(value, ends, axis);
      return parts.map((part, i) => [key.replace(pattern, to[i] ?? ""), part]);
    }),
  );

const stackMatches = (
  weights: ReadonlyMap<string, MxArray>,
  pattern: RegExp,
  to: string,
): Map<string, MxArray> => {
  const others = new Map<string, MxArray>();
  const stacks = new Map<string, MxArray[]>();
  for (const [key, value] of weights) {
    const expert = pattern.exec(key)?.groups?.expert;
    if (expert === undefined) {
      others.set(key, value);
      continue;
    }
    const name = key.replace(pattern, to);
    const experts = stacks.get(name) ?? [];
    experts[Number(expert)] = value;
    stacks.set(name, experts);
  }
  // a missing expert makes the stack too small, which loadWeights refuses
  for (const [name, experts] of stacks) others.set(name, stack(Object.values(experts)));
  return others;
};

const concatenateMatches = (
  weights: ReadonlyMap<string, MxArray>,
  { pattern, to, parts }: ConcatenateRule,
): Map<string, MxArray> => {
  const others = new Map<string, MxArray>();
  const groups = new Map<string, Map<string, [string, MxArray]>>();
  for (const [key, value] of weights) {
    const part = pattern.exec(key)?.groups?.part;
    if (part === undefined) {
      others.set(key, value);
      continue;
    }
    const name = key.replace(pattern, to);
    groups.set(name, (groups.get(name) ?? new Map()).set(part, [key, value]));
  }
  for (const [name, group] of groups) {
    const rows = parts.flatMap((part) => group.get(part)?.[1] ?? []);
    if (rows.length === parts.length) others.set(name, concatenate(rows, 0));
    else for (const [key, value] of group.values()) others.set(key, value);
  }
  return others;
};

const deriveMatches = (
  weights: ReadonlyMap<string, MxArray>,
  { pattern, to, changes }: DeriveRule,
): Map<string, MxArray> => {
  const derived = [...weights]
    .filter(([key]) => pattern.test(key) && !weights.has(key.replace(pattern, to)))
    .map(([key, value]): [string, MxArray] => {
      const copy = reshape(value, value.shape); // of its own, also without changes
      return [key.replace(pattern, to), changes.reduce(applyChange, copy)];
    });
  return new Map([...weights, ...derived]);
};

const changeDense = <C>(
  weights: ReadonlyMap<string, MxArray>,
  { pattern, inputDims, rules }: DenseRule<C>,
  config: C,
): Map<string, MxArray> => {
  const result = new Map(weights);
  for (const [key, value] of weights) {
    const path = key.endsWith(".weight") ? key.slice(0, -".weight".length) : "";
    if (!pattern.test(path)) continue;
    const packed = takePacked(result, path, inputDims(config));
    const dense = packed === undefined ? value : unpack(packed);
    const changed = sanitize(new Map([[key, dense]]), rules, config);
    result.delete(key);
    for (const [name, part] of changed) {
      for (const [partKey, tensor] of packed === undefined
        ? [[name, part] as const]
        : pack(name, part, packed)) {
        result.set(partKey, tensor);
      }
    }
  }
  return result;
};

const apply = <C>(
  weights: ReadonlyMap<string, MxArray>,
  rule: SanitizeRule<C>,
  config: C,
): Map<string, MxArray> => {
  switch (rule.kind) {
    case "drop":
      if (rule.when?.(config) === false) return new Map(weights);
      return new Map([...weights].filter(([key]) => !rule.pattern.test(key)));
    case "drop-layers": {
      const isKept = (key: string) => Number(rule.pattern.exec(key)?.groups?.layer ?? -1) < rule.from(config);
      return new Map([...weights].filter(([key]) => isKept(key)));
    }
    case "rename":
      if (rule.when?.(config) === false) return new Map(weights);
      return new Map([...weights].map(([key, value]) => [key.replace(rule.pattern, rule.to), value]));
    case "stack":
      return stackMatches(weights, rule.pattern, rule.to);
    case "map":
      return mapMatches(weights, rule, config);
    case "split":
      return splitMatches(weights, rule, config);
    case "concatenate":
      return concatenateMatches(weights, rule);
    case "derive":
      return deriveMatches(weights, rule);
    case "repack-float-scales":
      return repackFloatScales(weights);
    case "when-present":
      return [...weights].some(([key, { shape }]) => rule.pattern.test(key) && rule.shaped?.(shape) !== false)
        ? sanitize(weights, rule.rules, config)
        : new Map(weights);
    case "dense":
      return changeDense(weights, rule, config);
  }
};

/**
 * Applies the rules in order. Keys keep their order; stacks come last.
 *
 * @throws {WeightsError} when a weight does not divide into the parts a rule wants
 */
export const sanitize = <C>(
  weights: ReadonlyMap<string, MxArray>,
  rules: readonly SanitizeRule<C>[],
  config: C,
): Map<string, MxArray> =>
  tidy(() => rules.reduce((current, rule) => apply(current, rule, config), new Map(weights)));

/** Precomputed rotary frequencies that old checkpoints carry. */
export const dropRotaryTables = drop<unknown>(/self_attn\.rotary_emb\.inv_freq/);

/** The output layer that some checkpoints of always tied models carry. */
export const dropHead = drop<unknown>(/^lm_head\./);

/** The output layer of a checkpoint whose model ties it to the embedding. */
export const dropTiedHead = drop<{ readonly tie_word_embeddings: boolean }>(
  /^lm_head\./,
  (c) => c.tie_word_embeddings,
);

/** Experts as transformers saves them: `mlp.experts.7.up_proj`. */
export const stackNamedExperts = stackExperts(
  /mlp\.experts\.(?<expert>\d+)\.(?<layer>gate_proj|up_proj|down_proj)\./,
  "mlp.switch_mlp.$<layer>.",
);

/** Those experts for models whose stacks go by their name: `mlp.experts.up_proj`. */
export const stackExpertsInPlace = stackExperts(
  /mlp\.experts\.(?<expert>\d+)\.(?<layer>gate_proj|up_proj|down_proj)\./,
  "mlp.experts.$<layer>.",
);

/** Experts of a mixture called `feed_forward`. */
export const stackFeedForwardExperts = stackExperts(
  /feed_forward\.experts\.(?<expert>\d+)\.(?<layer>gate_proj|up_proj|down_proj)\./,
  "feed_forward.switch_mlp.$<layer>.",
);

/** Experts as Mixtral saves them: `block_sparse_moe.experts.7.w1`. */
export const stackMixtralExperts = [
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w1\./, "moe.switch_mlp.gate_proj."),
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w2\./, "moe.switch_mlp.down_proj."),
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w3\./, "moe.switch_mlp.up_proj."),
];

/** Depthwise convolutions, whose channels PyTorch puts before positions. */
export const moveConvChannels = map<unknown>(
  /conv1d\.weight/,
  [transposed(0, 2, 1)],
  (shape) => shape.at(-1) !== 1,
);
