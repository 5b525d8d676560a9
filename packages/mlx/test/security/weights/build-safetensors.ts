/** A tensor as written in a header. */
export interface HeaderTensor {
  dtype: string;
  shape: readonly number[];
  data_offsets: readonly [number, number];
}

/** A safetensors file from header text and data; `length` overrides the header length it declares. */
export function buildSafetensors(
  header: string | Uint8Array | Record<string, unknown>,
  data: number | Uint8Array = 0,
  length?: bigint,
): Buffer {
  const isText = typeof header === "string" || header instanceof Uint8Array;
  const bytes = isText ? Buffer.from(header as string) : Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(length ?? BigInt(bytes.length));
  return Buffer.concat([head, bytes, typeof data === "number" ? Buffer.alloc(data) : data]);
}

/** One I32 matrix of 2 by 2: 16 bytes at the start of the data. */
export const SQUARE: HeaderTensor = { dtype: "I32", shape: [2, 2], data_offsets: [0, 16] };
