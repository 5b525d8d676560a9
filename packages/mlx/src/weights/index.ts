export { type ByteReader, bytesReader } from "./byte-reader.ts";
export { ggufArchitecture, ggufToConfig } from "./gguf-config.ts";
export type { GgufNumbers, GgufValue } from "./gguf-metadata.ts";
export {
  type GgufTransform,
  ggufTensorName,
  ggufTransform,
  isGgufRopeTensor,
  unpermutedRows,
} from "./gguf-tensor-names.ts";
export {
  GGUF_TYPES,
  type GgufStorage,
  type GgufType,
  ggufBlock,
  ggufStorage,
  ggufTypeId,
  isSupportedGgufType,
} from "./gguf-types.ts";
export { type GgufModel, type GgufParameter, mapGguf } from "./map-gguf.ts";
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
export type { WeightsProblem } from "./weights-problem.ts";
