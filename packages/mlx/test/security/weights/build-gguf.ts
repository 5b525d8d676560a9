/** Numbers of GGUF's metadata types. */
export const KV = {
  UINT8: 0,
  INT8: 1,
  UINT16: 2,
  INT16: 3,
  UINT32: 4,
  INT32: 5,
  FLOAT32: 6,
  BOOL: 7,
  STRING: 8,
  ARRAY: 9,
  UINT64: 10,
  INT64: 11,
  FLOAT64: 12,
} as const;

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

export function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

export function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([u64(bytes.length), bytes]);
}

/** A metadata pair: key, type number, value bytes. */
export function pair(key: string, type: number, ...value: Uint8Array[]): Buffer {
  return Buffer.concat([text(key), u32(type), ...value]);
}

export function list(type: number, values: readonly Uint8Array[]): Buffer {
  return Buffer.concat([u32(type), u64(values.length), ...values]);
}

export interface TensorInfo {
  name: string | Uint8Array;
  /** Fastest-varying first. */
  dims: readonly (number | bigint)[];
  type: number;
  offset: number | bigint;
  /** Overrides the number of dimensions it declares. */
  rank?: number;
}

function tensorInfo(tensor: TensorInfo): Buffer {
  return Buffer.concat([
    text(tensor.name),
    u32(tensor.rank ?? tensor.dims.length),
    ...tensor.dims.map(u64),
    u32(tensor.type),
    u64(tensor.offset),
  ]);
}

export interface GgufParts {
  magic?: string;
  version?: number;
  pairs?: readonly Buffer[];
  tensors?: readonly TensorInfo[];
  /** Bytes of data after the padding. */
  data?: number | Uint8Array;
  alignment?: number;
  tensorCount?: number | bigint;
  pairCount?: number | bigint;
}

/** A GGUF file; everything it declares can be made a lie. */
export function buildGguf(parts: GgufParts = {}): Buffer {
  const { pairs = [], tensors = [], data = 0, alignment = 32 } = parts;
  const head = Buffer.concat([
    Buffer.from(parts.magic ?? "GGUF", "latin1"),
    u32(parts.version ?? 3),
    u64(parts.tensorCount ?? tensors.length),
    u64(parts.pairCount ?? pairs.length),
    ...pairs,
    ...tensors.map(tensorInfo),
  ]);
  const padding = Buffer.alloc((alignment - (head.length % alignment)) % alignment);
  return Buffer.concat([head, padding, typeof data === "number" ? Buffer.alloc(data) : data]);
}
