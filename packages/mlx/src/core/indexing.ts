/** Indexing with NumPy's rules: `index(a, ...)` reads, `setIndex(a, [...], values)` gives an updated copy. */
import { InvalidArgumentError } from "../errors.ts";
import type { MxArray, Operand } from "./array.ts";
import { int32 } from "./dtype.ts";
import {
  broadcastTo,
  expandDims,
  full,
  gather,
  reshape,
  scatter,
  scatterAdd,
  slice,
  sliceUpdate,
  squeeze,
  take,
} from "./generated/ops.ts";

/** `[start, stop, step]` of one axis; missing or null parts mean "from the end", `[]` is the whole axis. */
export type Range = readonly [start?: number | null, stop?: number | null, step?: number | null];

/** One axis: a position, a range, an array of positions, `null` for a new axis, `"..."` for all axes in between. */
export type IndexItem = number | Range | MxArray | null | "...";

interface Plan {
  /** Per axis of the source. */
  start: number[];
  stop: number[];
  step: number[];
  /** Axes that a number selects: they vanish from the result. */
  dropped: number[];
  /** Positions, in the result, of new axes. */
  added: number[];
  /** Axes selected by arrays. */
  arrays: { axis: number; indices: MxArray }[];
}

const isArrayItem = (item: IndexItem): item is MxArray =>
  typeof item === "object" && item !== null && !Array.isArray(item);

const resolvePosition = (item: number, length: number, axis: number): number => {
  const position = item < 0 ? item + length : item;
  if (!Number.isInteger(item) || position < 0 || position >= length) {
    throw new InvalidArgumentError(`Index ${item} is out of bounds for axis ${axis} of length ${length}`);
  }
  return position;
};

/** Start, stop and step as Python's `slice.indices` gives them. */
const resolveRange = ([start, stop, step]: Range, length: number): [number, number, number] => {
  const by = step ?? 1;
  if (!Number.isInteger(by) || by === 0) throw new InvalidArgumentError(`A range's step cannot be ${by}`);
  const [low, high] = by > 0 ? [0, length] : [-1, length - 1];
  const clamp = (x: number) => Math.min(Math.max(x < 0 ? x + length : x, low), high);
  const from = start === undefined || start === null ? (by > 0 ? low : high) : clamp(start);
  const to = stop === undefined || stop === null ? (by > 0 ? high : low) : clamp(stop);
  if (by < 0 && from < 0) return [0, 0, 1]; // starts before the first element and goes further back
  return [from, by > 0 ? Math.max(to, from) : Math.min(to, from), by];
};

const expandEllipsis = (items: readonly IndexItem[], ndim: number): IndexItem[] => {
  const used = items.filter((item) => item !== null && item !== "...").length;
  if (used > ndim) throw new InvalidArgumentError(`${used} indices are too many for ${ndim} axes`);
  const at = items.indexOf("...");
  if (at !== items.lastIndexOf("...")) throw new InvalidArgumentError('An index can hold "..." only once');
  const rest: IndexItem[] = Array.from({ length: ndim - used }, () => []);
  return at < 0 ? [...items, ...rest] : [...items.slice(0, at), ...rest, ...items.slice(at + 1)];
};

const makePlan = (shape: readonly number[], items: readonly IndexItem[]): Plan => {
  const plan: Plan = { start: [], stop: [], step: [], dropped: [], added: [], arrays: [] };
  let resultAxis = 0;
  for (const item of expandEllipsis(items, shape.length)) {
    if (item === null) {
      plan.added.push(resultAxis++);
      continue;
    }
    const axis = plan.start.length;
    const length = shape[axis] ?? 0;
    if (typeof item === "number") {
      const position = resolvePosition(item, length, axis);
      plan.start.push(position);
      plan.stop.push(position + 1);
      plan.step.push(1);
      plan.dropped.push(axis);
      continue;
    }
    const range: Range = isArrayItem(item) || item === "..." ? [] : item;
    const [start, stop, step] = resolveRange(range, length);
    plan.start.push(start);
    plan.stop.push(stop);
    plan.step.push(step);
    if (isArrayItem(item)) plan.arrays.push({ axis, indices: item });
    resultAxis += 1;
  }
  return plan;
};

/** Stops as libmlx takes them: it counts negative ones from the end, so "before the first" is one further. */
const nativeStops = (plan: Plan, shape: readonly number[]): number[] =>
  plan.stop.map((stop, i) => (stop < 0 ? stop - (shape[i] ?? 0) : stop));

const isWhole = (plan: Plan, shape: readonly number[]): boolean =>
  plan.step.every((step, i) => step === 1 && plan.start[i] === 0 && plan.stop[i] === shape[i]);

const requireBasic = (plan: Plan, what: string): void => {
  const [first, second] = plan.arrays;
  if (first !== undefined && (second !== undefined || plan.added.length > 0)) {
    throw new InvalidArgumentError(
      `${what} takes one array index without new axes; use gather or scatter for more`,
    );
  }
};

/**
 * `a[items]` with NumPy's rules; one axis may be indexed by an array of integers. Its dimensions come where the axis
 * was, or first when a range lies between the array and a number, as in `index(x, 1, [], indices)`.
 *
 * @throws {InvalidArgumentError} on positions out of bounds or too many items
 * @example mx.index(x, "...", [0, 64])   // x[..., :64]
 * @example mx.index(x, [], -1)           // x[:, -1]
 */
export const index = (a: MxArray, ...items: IndexItem[]): MxArray => {
  const shape = a.shape;
  const plan = makePlan(shape, items);
  requireBasic(plan, "index");
  let result = isWhole(plan, shape) ? a : slice(a, plan.start, nativeStops(plan, shape), plan.step);
  const [only] = plan.arrays;
  if (only !== undefined) result = take(result, only.indices, only.axis);
  if (plan.dropped.length > 0) result = squeeze(result, shiftPastArray(plan, plan.dropped));
  if (only !== undefined && isSeparated(plan)) {
    result = positionsFirst(result, axesBefore(plan, only.axis), only.indices.ndim);
  }
  if (plan.added.length > 0) result = expandDims(result, plan.added);
  return result === a ? reshape(a, shape) : result;
};

/** Axes after an array-indexed axis move by the array's extra dimensions. */
const shiftPastArray = (plan: Plan, axes: readonly number[]): number[] => {
  const [only] = plan.arrays;
  return only === undefined
    ? [...axes]
    : axes.map((axis) => (axis > only.axis ? axis + only.indices.ndim - 1 : axis));
};

/** Whether a range lies between the axes that arrays and numbers select: then those of the arrays come first. */
const isSeparated = (plan: Plan): boolean => {
  const selected = [...plan.dropped, ...plan.arrays.map(({ axis }) => axis)];
  return Math.max(...selected) - Math.min(...selected) >= selected.length;
};

/** Axes of the result before what was `axis`. */
const axesBefore = (plan: Plan, axis: number): number =>
  axis - plan.dropped.filter((other) => other < axis).length;

const asArray = (values: Operand, like: MxArray): MxArray =>
  typeof values === "object" ? values.astype(like.dtype) : full([], values, like.dtype);

/**
 * A copy of `a` with `a[items] = values`; one axis may be indexed by an array of integers, beside numbers and whole
 * axes.
 *
 * @param values - broadcasts to the shape of `index(a, ...items)`
 * @throws {InvalidArgumentError} on positions out of bounds or too many items
 */
export const setIndex = (a: MxArray, items: readonly IndexItem[], values: Operand): MxArray =>
  update(a, items, values, scatter, "setIndex");

/** A copy of `a` with `values` added at `items`; positions named twice add twice. */
export const addAt = (a: MxArray, items: readonly IndexItem[], values: Operand): MxArray =>
  update(a, items, values, scatterAdd, "addAt");

const update = (
  a: MxArray,
  items: readonly IndexItem[],
  values: Operand,
  scatterWith: typeof scatter,
  what: string,
): MxArray => {
  const shape = a.shape;
  const plan = makePlan(shape, items);
  requireBasic(plan, what);
  const resultShape = index(a, ...items).shape;
  const [only] = plan.arrays;
  if (only !== undefined) {
    return scatterAlong(a, plan, only, broadcastTo(asArray(values, a), resultShape), scatterWith);
  }
  const sizes = plan.start.map((start, i) => rangeLength(start, plan.stop[i] ?? 0, plan.step[i] ?? 1));
  const full_ = reshape(broadcastTo(asArray(values, a), resultShape), sizes);
  if (scatterWith === scatter) return sliceUpdate(a, full_, plan.start, nativeStops(plan, shape), plan.step);
  const sum = slice(a, plan.start, nativeStops(plan, shape), plan.step).add(full_);
  return sliceUpdate(a, sum, plan.start, nativeStops(plan, shape), plan.step);
};

const rangeLength = (start: number, stop: number, step: number): number =>
  Math.max(0, Math.ceil((stop - start) / step));

/** Scatter `values`, shaped like the result of `index`, along one axis; other axes must be whole or numbers. */
const scatterAlong = (
  a: MxArray,
  plan: Plan,
  { axis, indices }: { axis: number; indices: MxArray },
  values: MxArray,
  scatterWith: typeof scatter,
): MxArray => {
  const isSelected = (i: number) => i === axis || plan.dropped.includes(i);
  const isRanged = a.shape.some(
    (length, i) =>
      !isSelected(i) && (plan.step[i] !== 1 || (plan.stop[i] ?? 0) - (plan.start[i] ?? 0) !== length),
  );
  if (isRanged)
    throw new InvalidArgumentError("An array index can be written only beside numbers and whole axes");
  const slices = a.shape.map((length, i) => (isSelected(i) ? 1 : length));
  const numbers = plan.dropped.map((i) => full(indices.shape, plan.start[i] ?? 0, int32));
  // scatter wants updates [...positions, ...slices]
  const moved = isSeparated(plan) ? values : positionsFirst(values, axesBefore(plan, axis), indices.ndim);
  const updates = reshape(moved, [...indices.shape, ...slices]);
  return scatterWith(a, [indices, ...numbers], updates, [axis, ...plan.dropped]);
};

const positionsFirst = (a: MxArray, before: number, positions: number): MxArray => {
  const axes = Array.from({ length: a.ndim }, (_, i) => i);
  return a.transpose(
    ...axes.slice(before, before + positions),
    ...axes.slice(0, before),
    ...axes.slice(before + positions),
  );
};

/** Elements at several arrays of positions at once, one per leading axis: `a[i, j]` for equal shapes `i`, `j`. */
export const gatherPoints = (a: MxArray, positions: readonly MxArray[]): MxArray => {
  const [first] = positions;
  if (first === undefined)
    throw new InvalidArgumentError("gatherPoints needs at least one array of positions");
  const axes = positions.map((_, i) => i);
  const sizes = a.shape.map((length, i) => (i < positions.length ? 1 : length));
  const result = gather(a, positions, axes, sizes);
  return reshape(result, [...result.shape.slice(0, -a.ndim), ...a.shape.slice(positions.length)]);
};
