/** The whole native surface: the generated operations and the hand-written rest. */
import type { NativeOps, Slot } from "./generated/native-ops.ts";

export type { Slot } from "./generated/native-ops.ts";

declare const layerBrand: unique symbol;
/** An object that only the addon can make or read. */
export interface LayersHandle {
  readonly [layerBrand]: "layers";
}
/** Another. */
export interface BoundLayersHandle {
  readonly [layerBrand]: "bound";
}

interface NativeRuntime {
  configure(
    scalars: Float64Array,
    errorFactory: (code: never, op: string, message: string, shapes: string) => Error,
  ): void;

  fromBytes(view: ArrayBufferView, shape: readonly number[], dtype: number): Slot;
  scalar(value: number, dtype: number): Slot;
  toBytes(a: Slot): ArrayBuffer;
  toRawBytes(a: Slot): ArrayBuffer;
  item(a: Slot): number;
  shape(a: Slot): number[];
  dtype(a: Slot): number;
  ndim(a: Slot): number;
  dim(a: Slot, axis: number): number;
  size(a: Slot): number;
  nbytes(a: Slot): number;
  isAvailable(a: Slot): boolean;
  eval(arrays: readonly Slot[]): void;
  asyncEval(arrays: readonly Slot[]): void;
  asyncEvalNext(a: Slot): void;
  share(a: Slot): Slot;
  detach(a: Slot): void;
  release(a: Slot): void;
  releaseAll(arrays: readonly Slot[]): void;
  liveArrays(): number;
  adjustExternalMemory(bytes: number): number;

  version(): string;
  headerVersion(): string;
  isDeviceAvailable(device: number): boolean;
  isMetalAvailable(): boolean;
  isCudaAvailable(): boolean;
  deviceInfo(device: number): Record<string, string | number>;
  defaultDevice(): number;
  setDefaultDevice(device: number): void;
  newStream(device: number): number;
  defaultStream(device: number): number;
  setDefaultStream(index: number, device: number): void;
  synchronize(): void;
  getActiveMemory(): number;
  getPeakMemory(): number;
  resetPeakMemory(): void;
  getCacheMemory(): number;
  setMemoryLimit(bytes: number): number;
  getMemoryLimit(): number;
  setCacheLimit(bytes: number): number;
  setWiredLimit(bytes: number): number;
  clearCache(): void;
  seed(seed: number): void;
  setCompileEnabled(on: boolean): void;

  setThreads(count: number): void;
  getThreads(): number;
  cpuFeatures(): string;
  /** To how many bits quantized products may round activations: 8, 16, or 0 for not at all. */
  setRounding(bits: 0 | 8 | 16): void;
  hasCoarseProducts(): boolean;
  deltaRule(q: Slot, k: Slot, v: Slot, logDecay: Slot, beta: Slot, state: Slot, isSum: boolean): Slot[];
  shortConv(x: Slot, taps: Slot, past: Slot): Slot[];
  deltaMixer(parts: readonly Slot[], keyHeads: number, eps: number): Slot[];
  mambaMixer(
    parts: readonly Slot[],
    others: readonly Slot[],
    groups: readonly number[],
    factors: readonly number[],
  ): Slot[];
  prepareDecoderLayer(
    matrices: readonly Slot[],
    formats: readonly number[],
    updates: readonly Slot[],
    rows: readonly Slot[],
    norms: readonly Slot[],
    normsAfter: readonly Slot[],
    heads: readonly number[],
    factors: readonly number[],
    activation: string,
    experts: readonly number[],
    scores: readonly number[],
    mixer: readonly Slot[],
    mixerNumbers: readonly number[],
    turn: readonly number[],
    others: readonly Slot[],
  ): LayersHandle | undefined;
  composedLayer(
    x: Slot,
    keys: Slot,
    values: Slot,
    slots: Int32Array,
    layout: Int32Array,
    factors: readonly number[],
    base: number | undefined,
    ropeScale: number,
    start: number,
    position: number,
  ): Slot[];
  joinDecoderLayers(layers: readonly LayersHandle[]): LayersHandle;
  decoderLayers(
    layers: LayersHandle,
    x: Slot,
    buffers: readonly Slot[],
    formats: readonly number[],
    spans: Int32Array,
    turns: readonly number[],
    first: readonly number[],
    after: readonly Slot[],
    inputs: Slot,
  ): Slot[];
  bindDecoderLayers(
    layers: LayersHandle,
    buffers: readonly Slot[],
    formats: readonly number[],
  ): BoundLayersHandle | undefined;
  boundDecoderLayers(
    layers: BoundLayersHandle,
    x: Slot,
    spans: Int32Array,
    turns: readonly number[],
    first: readonly number[],
    after: readonly Slot[],
    inputs: Slot,
  ): Slot[];

  callCompiled(
    id: number,
    fn: (inputs: Slot[]) => Slot[],
    inputs: readonly Slot[],
    shapeless: boolean,
  ): Slot[];
  eraseCompiled(id: number): void;

  mapTensors(
    path: string,
    offsets: readonly number[],
    dtypes: readonly number[],
    ranks: readonly number[],
    dims: readonly number[],
  ): Slot[];
  ggufAffine(path: string, offset: number, type: number, rows: number, columns: number): Slot[];
  ggufDequantize(path: string, offset: number, type: number, shape: readonly number[]): Slot;
  moveToHugePages(
    arrays: readonly Slot[],
    matrices: readonly number[],
    bits: readonly number[],
    groupSizes: readonly number[],
  ): void;
}

/** The addon's functions; arrays are slots. */
export type NativeAddon = NativeOps & NativeRuntime;
