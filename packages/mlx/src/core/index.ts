/** `@abstractllm/mlx/core`: arrays and operations, as `import * as mx from "@abstractllm/mlx/core"`. */
export { MxArray, type NestedNumbers, type Operand, type TypedArray } from "./array.ts";
export { type CompileOptions, compile, setCompileEnabled } from "./compile.ts";
export { ComposedLayer, type ComposedPosition } from "./composed-layer.ts";
export { cpuInstructionSet, getThreads, roundsActivations, setThreads } from "./cpu.ts";
export { array, fromRawBytes, type NestedValues } from "./create.ts";
export {
  type BesideNorms,
  BoundLayers,
  type DecoderLayerParts,
  DecoderLayers,
  type KeySource,
  type LayerDelta,
  type LayerExperts,
  type LayerPositions,
  type LayerRoom,
  type LayerRows,
  type LayerStates,
  type MatrixUpdate,
  type RowQuantization,
} from "./decoder-layer.ts";
export {
  type DeltaMixerInputs,
  type DeltaRuleInputs,
  deltaMixer,
  deltaRule,
  fadingSum,
} from "./delta-rule.ts";
export {
  backend,
  type Device,
  defaultDevice,
  defaultStream,
  deviceInfo,
  isDeviceAvailable,
  newStream,
  type Stream,
  setDefaultDevice,
  stream,
} from "./device.ts";
export {
  bfloat16,
  bool_,
  complex64,
  type Dtype,
  type DtypeName,
  finfo,
  float16,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  isFloating,
  uint8,
  uint16,
  uint32,
  uint64,
} from "./dtype.ts";
export { asyncEvaluate, asyncEvaluateNext, evaluate, synchronize } from "./evaluate.ts";
export * as fast from "./generated/fast.ts";
export * as linalg from "./generated/linalg.ts";
export * from "./generated/ops.ts";
export { addAt, gatherPoints, type IndexItem, index, type Range, setIndex } from "./indexing.ts";
export { type MambaMixerInputs, type MambaNumbers, type MambaSettings, mambaMixer } from "./mamba-mixer.ts";
export {
  clearCache,
  getActiveMemory,
  getCacheMemory,
  getMemoryLimit,
  getPeakMemory,
  liveArrays,
  resetPeakMemory,
  setCacheLimit,
  setMemoryLimit,
  setWiredLimit,
} from "./memory.ts";
export * as random from "./random.ts";
export { split } from "./shaping.ts";
export { shortConv } from "./short-conv.ts";
export { keep, replace, share, tidy } from "./tidy.ts";
export { type Tree, treeFlatten, treeLeaves, treeMap } from "./tree.ts";
export { MLX_VERSION } from "./version.ts";
