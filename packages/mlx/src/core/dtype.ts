/** Element types. `id` is what crosses to the addon; its order is fixed in native/src/dtypes.cc. */

export type DtypeName =
  | "bool"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float16"
  | "float32"
  | "float64"
  | "bfloat16"
  | "complex64";

/** An element type: `mx.float32`, `mx.int32`, ... Compare with `===`. */
export interface Dtype {
  readonly name: DtypeName;
  /** Bytes per element. */
  readonly size: number;
  readonly kind: "bool" | "unsigned" | "signed" | "float" | "complex";
  /** @internal */
  readonly id: number;
}

const make = (id: number, name: DtypeName, size: number, kind: Dtype["kind"]): Dtype =>
  Object.freeze({ id, name, size, kind });

/** True or false. */
export const bool_ = make(0, "bool", 1, "bool");
/** 0 to 255. */
export const uint8 = make(1, "uint8", 1, "unsigned");
/** 0 to 65,535. */
export const uint16 = make(2, "uint16", 2, "unsigned");
/** 0 to 2 ** 32 - 1. */
export const uint32 = make(3, "uint32", 4, "unsigned");
/** 0 to 2 ** 64 - 1. */
export const uint64 = make(4, "uint64", 8, "unsigned");
/** -128 to 127. */
export const int8 = make(5, "int8", 1, "signed");
/** -32,768 to 32,767. */
export const int16 = make(6, "int16", 2, "signed");
/** -(2 ** 31) to 2 ** 31 - 1. */
export const int32 = make(7, "int32", 4, "signed");
/** -(2 ** 63) to 2 ** 63 - 1. */
export const int64 = make(8, "int64", 8, "signed");
/** IEEE half precision: 5 bits of exponent, 10 of fraction. */
export const float16 = make(9, "float16", 2, "float");
/** IEEE single precision: 8 bits of exponent, 23 of fraction. */
export const float32 = make(10, "float32", 4, "float");
/** IEEE double precision; on the CPU only. */
export const float64 = make(11, "float64", 8, "float");
/** The range of float32 with 7 bits of fraction. */
export const bfloat16 = make(12, "bfloat16", 2, "float");
/** Two float32: real and imaginary part. */
export const complex64 = make(13, "complex64", 8, "complex");

const all: readonly Dtype[] = [
  bool_,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  float16,
  float32,
  float64,
  bfloat16,
  complex64,
];

/** @internal */
export const dtypeFromId = (id: number): Dtype => {
  const dtype = all[id];
  if (dtype === undefined) throw new RangeError(`unknown dtype id ${id}`);
  return dtype;
};

/** True for float16, bfloat16, float32 and float64. */
export const isFloating = (dtype: Dtype): boolean => dtype.kind === "float";

const largest: Partial<Record<DtypeName, number>> = {
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
};

/** The largest and smallest finite value of a floating dtype. */
export const finfo = (dtype: Dtype): { min: number; max: number } => {
  const max = largest[dtype.name];
  if (max === undefined) throw new TypeError(`finfo takes a floating dtype but received ${dtype.name}`);
  return { min: -max, max };
};
