/** Applies sanitize rules. */
import { arange, concatenate, type MxArray, reshape, split, stack, take, tidy } from "../core/index.ts";
import { WeightsError } from "../errors.ts";
import { pack, repackFloatScales, takePacked, unpack } from "./packed-weights.ts";
import type {
  ConcatenateRule,
  DenseRule,
  DeriveRule,
  MapRule,
  SanitizeRule,
  SplitRule,
} from "./sanitize-rules.ts";
import { applyChange } from "./tensor-change.ts";

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

/** Rows of several tensors in one, by groups: those of the first group of each, then those of the second. */
const concatenateGroups = (parts: readonly MxArray[], groups: number): MxArray => {
  if (groups === 1) return concatenate(parts, 0);
  const grouped = parts.map((part) => reshape(part, [groups, -1, ...part.shape.slice(1)]));
  return reshape(concatenate(grouped, 1), [-1, ...(parts[0]?.shape.slice(1) ?? [])]);
};

const concatenateMatches = <C>(
  weights: ReadonlyMap<string, MxArray>,
  { pattern, to, parts, groups }: ConcatenateRule<C>,
  config: C,
): Map<string, MxArray> => {
  const others = new Map<string, MxArray>();
  const found = new Map<string, Map<string, [string, MxArray]>>();
  for (const [key, value] of weights) {
    const part = pattern.exec(key)?.groups?.part;
    if (part === undefined) {
      others.set(key, value);
      continue;
    }
    const name = key.replace(pattern, to);
    found.set(name, (found.get(name) ?? new Map()).set(part, [key, value]));
  }
  for (const [name, group] of found) {
    const rows = parts.flatMap((part) => group.get(part)?.[1] ?? []);
    if (rows.length === parts.length) others.set(name, concatenateGroups(rows, groups?.(config) ?? 1));
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
      return concatenateMatches(weights, rule, config);
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
