/** What a loader does with a ggml type: keep it, repack it to one of MLX's layouts, or unpack it to float32. */
export type GgufStorage =
  | { kind: "dense"; dtype: "F32" | "F16" | "BF16" | "F64" | "I8" | "I16" | "I32" | "I64" }
  | { kind: "affine"; bits: 4 | 8; groupSize: 32 }
  /** Blocks that are groups of 32 with a scale and a bias, in another order than MLX's. */
  | { kind: "grouped"; bits: 4 | 5 }
  | { kind: "mxfp4" }
  | { kind: "dequantize" }
  | { kind: "unsupported" };

interface GgufTypeInfo {
  id: number;
  /** Elements and bytes of one block. */
  blockSize: number;
  blockBytes: number;
  storage: GgufStorage;
}

function row(id: number, blockSize: number, blockBytes: number, storage: GgufStorage): GgufTypeInfo {
  return { id, blockSize, blockBytes, storage };
}

const AFFINE_4: GgufStorage = { kind: "affine", bits: 4, groupSize: 32 };
const AFFINE_8: GgufStorage = { kind: "affine", bits: 8, groupSize: 32 };
const GROUPED_4: GgufStorage = { kind: "grouped", bits: 4 };
const GROUPED_5: GgufStorage = { kind: "grouped", bits: 5 };
const DEQUANTIZE: GgufStorage = { kind: "dequantize" };
const UNSUPPORTED: GgufStorage = { kind: "unsupported" };

/** Every ggml type that a file can hold, with its block geometry. */
const TYPES = {
  F32: row(0, 1, 4, { kind: "dense", dtype: "F32" }),
  F16: row(1, 1, 2, { kind: "dense", dtype: "F16" }),
  BF16: row(30, 1, 2, { kind: "dense", dtype: "BF16" }),
  F64: row(28, 1, 8, { kind: "dense", dtype: "F64" }),
  I8: row(24, 1, 1, { kind: "dense", dtype: "I8" }),
  I16: row(25, 1, 2, { kind: "dense", dtype: "I16" }),
  I32: row(26, 1, 4, { kind: "dense", dtype: "I32" }),
  I64: row(27, 1, 8, { kind: "dense", dtype: "I64" }),
  Q4_0: row(2, 32, 18, AFFINE_4),
  Q4_1: row(3, 32, 20, AFFINE_4),
  Q8_0: row(8, 32, 34, AFFINE_8),
  Q5_0: row(6, 32, 22, GROUPED_5),
  Q5_1: row(7, 32, 24, GROUPED_5),
  Q2_K: row(10, 256, 84, DEQUANTIZE),
  Q3_K: row(11, 256, 110, DEQUANTIZE),
  Q4_K: row(12, 256, 144, GROUPED_4),
  Q5_K: row(13, 256, 176, GROUPED_5),
  Q6_K: row(14, 256, 210, DEQUANTIZE),
  IQ4_NL: row(20, 32, 18, DEQUANTIZE),
  IQ4_XS: row(23, 256, 136, DEQUANTIZE),
  Q8_1: row(9, 32, 40, UNSUPPORTED),
  Q8_K: row(15, 256, 292, UNSUPPORTED),
  IQ2_XXS: row(16, 256, 66, UNSUPPORTED),
  IQ2_XS: row(17, 256, 74, UNSUPPORTED),
  IQ3_XXS: row(18, 256, 98, UNSUPPORTED),
  IQ1_S: row(19, 256, 50, UNSUPPORTED),
  IQ3_S: row(21, 256, 110, UNSUPPORTED),
  IQ2_S: row(22, 256, 82, UNSUPPORTED),
  IQ1_M: row(29, 256, 56, UNSUPPORTED),
  TQ1_0: row(34, 256, 54, UNSUPPORTED),
  TQ2_0: row(35, 256, 66, UNSUPPORTED),
  MXFP4: row(39, 32, 17, { kind: "mxfp4" }),
  NVFP4: row(40, 64, 36, UNSUPPORTED),
  Q1_0: row(41, 128, 18, UNSUPPORTED),
} as const;

/** A ggml tensor type by its name, such as `Q4_1`. */
export type GgufType = keyof typeof TYPES;

/** Types that ggml removed; their numbers are never reused. */
const REMOVED: Readonly<Record<number, string>> = {
  4: "Q4_2",
  5: "Q4_3",
  31: "Q4_0_4_4",
  32: "Q4_0_4_8",
  33: "Q4_0_8_8",
  36: "IQ4_NL_4_4",
  37: "IQ4_NL_4_8",
  38: "IQ4_NL_8_8",
};

/** Every type, by name. */
export const GGUF_TYPES = Object.freeze(Object.keys(TYPES)) as readonly GgufType[];

const BY_ID = new Map<number, GgufType>(GGUF_TYPES.map((type) => [TYPES[type].id, type]));

/** The type with ggml's number `id`, if it is one a file can hold. */
export function ggufTypeById(id: number): GgufType | undefined {
  return BY_ID.get(id);
}

/** The name of a type that ggml has removed, for messages. */
export function removedGgufType(id: number): string | undefined {
  return REMOVED[id];
}

/** ggml's number of a type; what the native kernels take. */
export function ggufTypeId(type: GgufType): number {
  return TYPES[type].id;
}

/** Elements and bytes of one block; rows are whole blocks. */
export function ggufBlock(type: GgufType): { size: number; bytes: number } {
  return { size: TYPES[type].blockSize, bytes: TYPES[type].blockBytes };
}

/** How a tensor of this type is brought into MLX. */
export function ggufStorage(type: GgufType): GgufStorage {
  return TYPES[type].storage;
}

/** True when tensors of this type can be loaded. */
export function isSupportedGgufType(type: GgufType): boolean {
  return ggufStorage(type).kind !== "unsupported";
}
