/** Which dtype MLX has for what files store. */
import type { Dtype } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { StoredDtype } from "../weights/index.ts";

const dtypes: Partial<Record<StoredDtype, Dtype>> = {
  BOOL: mx.bool_,
  U8: mx.uint8,
  I8: mx.int8,
  U16: mx.uint16,
  I16: mx.int16,
  U32: mx.uint32,
  I32: mx.int32,
  U64: mx.uint64,
  I64: mx.int64,
  F16: mx.float16,
  BF16: mx.bfloat16,
  F32: mx.float32,
  F64: mx.float64,
  // MLX has no fp8 dtypes: the bytes, as mx.load gives them
  F8_E4M3: mx.uint8,
  F8_E8M0: mx.uint8,
};

/** The dtype of a stored tensor; undefined where MLX has none. */
export const loadedDtype = (stored: StoredDtype): Dtype | undefined => dtypes[stored];

/** How safetensors name a dtype; undefined for complex numbers. */
export const storedDtype = (dtype: Dtype): StoredDtype | undefined =>
  STORED.find((stored) => dtypes[stored] === dtype);

const STORED = Object.keys(dtypes) as StoredDtype[];
