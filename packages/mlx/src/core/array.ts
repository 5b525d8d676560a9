/** The array: a slot in the addon's table and who owns it. */
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { type Dtype, dtypeFromId } from "./dtype.ts";
import { native, scalars } from "./native.ts";
import type { Slot } from "./native-addon.ts";
import { currentScope, type Scope } from "./scope.ts";

/** An array, or a number or boolean that takes the dtype of the arrays beside it. */
export type Operand = MxArray | number | boolean;

/** JavaScript arrays of numbers that an array can be made from or read into. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Numbers nested as deep as the array has axes. */
export type NestedNumbers = number | NestedNumbers[];

const describe = (value: unknown): string => {
  if (value === null) return "null";
  if (typeof value === "object") return value.constructor?.name ?? "object";
  return typeof value === "string"
    ? `string ${JSON.stringify(value.slice(0, 40))}`
    : `${typeof value} ${String(value)}`;
};

interface Collected {
  slot: Slot;
  bytes: number;
}

// Reported in steps: each report can start a garbage collection.
const REPORT_STEP_BYTES = 1 << 20;
// A lazy array can claim any size; V8 ends the process over sizes that no machine has.
const MAX_REPORTED_BYTES = 2 ** 36;
let unreportedBytes = 0;

const reportBytes = (bytes: number): void => {
  unreportedBytes += bytes;
  if (Math.abs(unreportedBytes) < REPORT_STEP_BYTES) return;
  native.adjustExternalMemory(unreportedBytes);
  unreportedBytes = 0;
};

let isMakingPlaceholders = false;

/**
 * @internal Runs `make`, whose arrays are shapes that weights will replace: V8 is told of none of their bytes, which
 * nothing holds and which would start a garbage collection for each.
 */
export const makePlaceholders = <T>(make: () => T): T => {
  const outer = isMakingPlaceholders;
  isMakingPlaceholders = true;
  try {
    return make();
  } finally {
    isMakingPlaceholders = outer;
  }
};

const finalizers = new FinalizationRegistry<Collected>(({ slot, bytes }) => {
  native.release(slot);
  reportBytes(-bytes);
});

/**
 * An n-dimensional array of one dtype, computed lazily: operations build a graph, and reading values or
 * {@link evaluate} runs it. Belongs to the thread that made it.
 *
 * Inside {@link tidy} the scope frees it; elsewhere {@link dispose} or the garbage collector does.
 */
export class MxArray {
  /** @internal */
  slot: Slot;
  /** @internal */
  scope: Scope | undefined;
  #bytes = -1; // what V8 was told, -1 when it was not

  /** @internal Use `mx.array`, `mx.zeros` and so on. */
  constructor(slot: Slot) {
    this.slot = slot;
    const scope = currentScope();
    this.scope = scope;
    if (scope !== undefined) scope.members.push(this);
    else this.#register();
  }

  #register(): void {
    this.#bytes = isMakingPlaceholders ? 0 : Math.min(native.nbytes(this.slot), MAX_REPORTED_BYTES);
    reportBytes(this.#bytes);
    finalizers.register(this, { slot: this.slot, bytes: this.#bytes }, this);
  }

  /** @internal Hands the array from its scope to the garbage collector, or to `scope`. */
  moveTo(scope: Scope | undefined): void {
    this.scope = scope;
    if (scope !== undefined) scope.members.push(this);
    else if (this.#bytes < 0) this.#register();
  }

  /** Frees the array now. Graphs already built on it stay valid. Safe to call twice. */
  dispose(): void {
    if (this.slot === 0) return;
    native.release(this.slot);
    this.slot = 0;
    this.scope = undefined;
    if (this.#bytes >= 0) {
      finalizers.unregister(this);
      reportBytes(-this.#bytes);
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get shape(): number[] {
    return native.shape(handleOf(this));
  }

  get dtype(): Dtype {
    return dtypeFromId(native.dtype(handleOf(this)));
  }

  get ndim(): number {
    return native.ndim(handleOf(this));
  }

  /** Number of elements. */
  get size(): number {
    return native.size(handleOf(this));
  }

  get nbytes(): number {
    return native.nbytes(handleOf(this));
  }

  /** Length of one axis; negative axes count from the end. @throws {MlxError} when there is no such axis */
  dim(axis: number): number {
    return native.dim(handleOf(this), axis);
  }

  /** The value of an array of one element; evaluates. Bools are 0 or 1; 64-bit integers round beyond 2^53. */
  item(): number {
    return native.item(handleOf(this));
  }

  /**
   * The elements in row-major order, copied; evaluates. float16 and bfloat16 widen to `Float32Array`, bools are
   * `Uint8Array`, 64-bit integers BigInt arrays, complex numbers pairs in a `Float32Array`.
   */
  toTypedArray(): TypedArray {
    return new (typedArrayOf(this.dtype))(native.toBytes(handleOf(this)));
  }

  /** The elements as nested lists of numbers; evaluates. A scalar array gives a number. */
  toArray(): NestedNumbers {
    const flat = Array.from(this.toTypedArray() as ArrayLike<number | bigint>, Number);
    return nest(flat, this.shape);
  }

  /** The stored bytes, little-endian, in row-major order; evaluates. For bit-exact copies of half floats. */
  toRawBytes(): Uint8Array {
    return new Uint8Array(native.toRawBytes(handleOf(this)));
  }

  reshape(...shape: number[]): MxArray {
    return adopt(native.reshape(handleOf(this), shape));
  }

  transpose(...axes: number[]): MxArray {
    return adopt(native.transpose(handleOf(this), axes.length === 0 ? undefined : axes));
  }

  swapaxes(axis1: number, axis2: number): MxArray {
    return adopt(native.swapaxes(handleOf(this), axis1, axis2));
  }

  astype(dtype: Dtype): MxArray {
    return adopt(native.astype(handleOf(this), dtype.id));
  }

  add(other: Operand): MxArray {
    return adopt(native.add(handleOf(this), operand(other, 0)));
  }

  subtract(other: Operand): MxArray {
    return adopt(native.subtract(handleOf(this), operand(other, 0)));
  }

  multiply(other: Operand): MxArray {
    return adopt(native.multiply(handleOf(this), operand(other, 0)));
  }

  divide(other: Operand): MxArray {
    return adopt(native.divide(handleOf(this), operand(other, 0)));
  }

  matmul(other: MxArray): MxArray {
    return adopt(native.matmul(handleOf(this), handleOf(other)));
  }

  /** A short description; does not evaluate. */
  toString(): string {
    return this.slot === 0 ? "MxArray(disposed)" : `MxArray(${this.dtype.name}[${this.shape.join(",")}])`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

const typedArrays = {
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
} as const;

const typedArrayOf = (dtype: Dtype): (new (buffer: ArrayBuffer) => TypedArray) => typedArrays[dtype.name];

const nest = (flat: readonly number[], shape: readonly number[]): NestedNumbers => {
  const [length, ...rest] = shape;
  if (length === undefined) return flat[0] ?? 0;
  if (rest.length === 0) return [...flat];
  const step = flat.length / length;
  return Array.from({ length }, (_, i) => nest(flat.slice(i * step, (i + 1) * step), rest));
};

/** @internal Wraps a slot that the addon just filled. */
export const adopt = (slot: Slot): MxArray => new MxArray(slot);

/** @internal */
export const adoptAll = (slots: readonly Slot[]): MxArray[] => slots.map(adopt);

/** @internal The slot of a live array. */
export const handleOf = (array: MxArray): Slot => {
  if (!(array instanceof MxArray)) {
    throw new InvalidArgumentError(`Expected an MxArray but received ${describe(array)}`);
  }
  if (array.slot === 0) {
    throw new MlxError(
      "disposed",
      "The array was disposed: keep it alive with mx.keep, or return it from mx.tidy",
    );
  }
  return array.slot;
};

/** @internal */
export const optionalHandleOf = (array: MxArray | null | undefined): Slot =>
  array === null || array === undefined ? 0 : handleOf(array);

/** @internal */
export const handlesOf = (arrays: readonly MxArray[]): Slot[] => {
  if (!Array.isArray(arrays))
    throw new InvalidArgumentError(`Expected a list of arrays but received ${describe(arrays)}`);
  return arrays.map(handleOf);
};

const BOOLEAN_OFFSET = scalars.length;

/** @internal A slot, or a negative stand-in for the number left in `scalars[index]`. */
export const operand = (value: Operand, index: number): Slot => {
  if (typeof value === "number") {
    scalars[index] = value;
    return -index - 1;
  }
  if (typeof value === "boolean") {
    scalars[index] = value ? 1 : 0;
    return -index - 1 - BOOLEAN_OFFSET;
  }
  return handleOf(value);
};

/** @internal */
export const optionalOperand = (value: Operand | null | undefined, index: number): Slot | undefined =>
  value === null || value === undefined ? undefined : operand(value, index);
