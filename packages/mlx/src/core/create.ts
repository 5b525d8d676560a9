/** Arrays from JavaScript values. */
import { InvalidArgumentError } from "../errors.ts";
import { adopt, type MxArray, type NestedNumbers, type TypedArray } from "./array.ts";
import {
  bool_,
  type Dtype,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
} from "./dtype.ts";
import { native } from "./native.ts";

/** Numbers or booleans nested as deep as the array has axes; all lists of one level equally long. */
export type NestedValues = number | boolean | readonly NestedValues[];

const shapeOf = (values: NestedValues): number[] => {
  if (!Array.isArray(values)) return [];
  const [first] = values as readonly NestedValues[];
  return [values.length, ...(first === undefined ? [] : shapeOf(first))];
};

const flattenInto = (out: number[], values: NestedValues, shape: readonly number[], axis: number): void => {
  if (axis === shape.length) {
    if (typeof values !== "number" && typeof values !== "boolean") {
      throw new InvalidArgumentError("Expected numbers nested equally deep everywhere");
    }
    out.push(Number(values));
    return;
  }
  if (!Array.isArray(values) || values.length !== shape[axis]) {
    throw new InvalidArgumentError(`Expected lists of length ${shape[axis]} everywhere on axis ${axis}`);
  }
  for (const value of values as readonly NestedValues[]) flattenInto(out, value, shape, axis + 1);
};

const holdsBooleans = (values: NestedValues): boolean =>
  Array.isArray(values) ? values.length > 0 && holdsBooleans(values[0]) : typeof values === "boolean";

const typedDtypes = new Map<unknown, Dtype>([
  [Float32Array, float32],
  [Float64Array, float64],
  [Int8Array, int8],
  [Int16Array, int16],
  [Int32Array, int32],
  [BigInt64Array, int64],
  [Uint8Array, uint8],
  [Uint8ClampedArray, uint8],
  [Uint16Array, uint16],
  [Uint32Array, uint32],
  [BigUint64Array, uint64],
]);

const fromTyped = (data: TypedArray, shape: readonly number[], dtype: Dtype | undefined): MxArray => {
  const stored = typedDtypes.get(data.constructor) ?? (data instanceof Uint8Array ? uint8 : undefined);
  if (stored === undefined)
    throw new InvalidArgumentError(`Expected a typed array but received ${data.constructor.name}`);
  const array = adopt(native.fromBytes(data, shape, stored.id));
  return dtype === undefined || dtype === stored ? array : convert(array, dtype);
};

const convert = (array: MxArray, dtype: Dtype): MxArray => {
  const converted = array.astype(dtype);
  array.dispose();
  return converted;
};

/**
 * An array from numbers, nested lists or a typed array; copies once.
 *
 * @param dtype - default: of the typed array; else int32 for whole numbers in lists, float32 otherwise, bool for booleans
 * @param shape - default: of the nested lists; `[length]` for a typed array
 * @throws {InvalidArgumentError} on ragged lists or a shape that does not fit the data
 * @example mx.array([[1, 2], [3, 4]], mx.float32)
 */
export const array = (
  values: NestedValues | NestedNumbers | TypedArray,
  dtype?: Dtype,
  shape?: readonly number[],
): MxArray => {
  if (ArrayBuffer.isView(values)) return fromTyped(values, shape ?? [values.length], dtype);
  const nested = values as NestedValues;
  const inferred = shapeOf(nested);
  const flat: number[] = [];
  flattenInto(flat, nested, inferred, 0);
  const target =
    dtype ?? (holdsBooleans(nested) ? bool_ : flat.every(isInt32) && flat.length > 0 ? int32 : float32);
  return fromNumbers(flat, shape ?? inferred, target);
};

const isInt32 = (x: number): boolean => (x | 0) === x;

const fromNumbers = (flat: readonly number[], shape: readonly number[], dtype: Dtype): MxArray => {
  if (dtype === int32) return adopt(native.fromBytes(Int32Array.from(flat), shape, int32.id));
  if (dtype === uint32) return adopt(native.fromBytes(Uint32Array.from(flat), shape, uint32.id));
  if (dtype === float32) return adopt(native.fromBytes(Float32Array.from(flat), shape, float32.id));
  if (dtype === int64) return adopt(native.fromBytes(BigInt64Array.from(flat, BigInt), shape, int64.id));
  if (dtype === uint64) return adopt(native.fromBytes(BigUint64Array.from(flat, BigInt), shape, uint64.id));
  if (dtype === float64) return adopt(native.fromBytes(Float64Array.from(flat), shape, float64.id));
  const wide = dtype.kind === "float" || dtype.kind === "complex" ? float32 : int32;
  return convert(fromNumbers(flat, shape, wide), dtype);
};

/** An array from stored bytes, little-endian, in row-major order: the inverse of `toRawBytes`. */
export const fromRawBytes = (bytes: Uint8Array, shape: readonly number[], dtype: Dtype): MxArray =>
  adopt(native.fromBytes(bytes, shape, dtype.id));
