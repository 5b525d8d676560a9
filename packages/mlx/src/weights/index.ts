export { type ByteReader, bytesReader, withFileReader } from "./byte-reader.ts";
export type { GgufNumbers, GgufValue } from "./gguf-metadata.ts";
export {
  GGUF_TYPES,
  type GgufStorage,
  type GgufType,
  ggufBlock,
  ggufStorage,
  ggufTypeId,
  isSupportedGgufType,
} from "./gguf-types.ts";
export { MAX_STRING_BYTES } from "./limits.ts";
export { type GgufFile, type GgufTensor, parseGguf, readGguf } from "./read-gguf.ts";
export { resolveSafetensors } from "./resolve-safetensors.ts";
export {
  parseSafetensorsHeader,
  readSafetensorsHeader,
  type SafetensorsHeader,
} from "./safetensors-header.ts";
export { readSafetensorsIndex } from "./safetensors-index.ts";
export { isStoredDtype, STORED_DTYPES, type StoredDtype, storedDtypeBits } from "./stored-dtype.ts";
export type { TensorSource } from "./tensor-source.ts";
export { failWeights, quoteName, type WeightsProblem } from "./weights-problem.ts";
export { type WrittenTensor, writeSafetensors } from "./write-safetensors.ts";
