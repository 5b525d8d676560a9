/** Bits per element of every safetensors dtype. */
const BITS = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  U16: 16,
  I16: 16,
  U32: 32,
  I32: 32,
  U64: 64,
  I64: 64,
  F16: 16,
  BF16: 16,
  F32: 32,
  F64: 64,
  C64: 64,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
} as const;

/** Element type of a tensor as stored in a safetensors file, by the format's own name. */
export type StoredDtype = keyof typeof BITS;

/** Every stored dtype. */
export const STORED_DTYPES = Object.freeze(Object.keys(BITS)) as readonly StoredDtype[];

/** True when `name` is a safetensors dtype. */
export function isStoredDtype(name: string): name is StoredDtype {
  return Object.hasOwn(BITS, name);
}

/** Bits of one element; sub-byte dtypes are packed. */
export function storedDtypeBits(dtype: StoredDtype): number {
  return BITS[dtype];
}
