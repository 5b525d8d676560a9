import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { mapTensors, unpackGguf } from "../../core/mapped.ts";
import { sanitize } from "../../models/index.ts";
import { type GgufFile, ggufTypeId } from "../../weights/index.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { readQuantizationConfig } from "../quantization-config.ts";
import type { GgufModel, GgufParameter } from "./map-gguf.ts";
import { type Parts, readAffine, readMxfp4, regroup, requantize } from "./repack.ts";

const denseDtypes = {
  F32: mx.float32,
  F16: mx.float16,
  BF16: mx.bfloat16,
  F64: mx.float64,
  I8: mx.int8,
  I16: mx.int16,
  I32: mx.int32,
  I64: mx.int64,
} as const;

export interface OpenGgufOptions {
  /** Pack what MLX has no layout for in 8 bits, instead of four times as large in float32. */
  repack: boolean;
}

const readParts = ({ source, storage, isMatrix }: GgufParameter, repack: boolean): Parts | undefined => {
  if (storage.kind === "affine") return readAffine(source);
  if (storage.kind === "mxfp4") return readMxfp4(source);
  if (storage.kind === "grouped") return regroup(source);
  return storage.kind === "dequantize" && isMatrix && repack ? requantize(source) : undefined;
};

/** The arrays of one parameter, as name and value: `.weight`, and with quantization `.scales` and `.biases`. */
const readParameter = (parameter: GgufParameter, repack: boolean): [string, MxArray][] => {
  const { name, source, storage } = parameter;
  const parts = readParts(parameter, repack);
  if (parts !== undefined) {
    const stem = name.replace(/\.weight$/, "");
    return Object.entries(parts).map(([part, array]) => [`${stem}.${part}`, array]);
  }
  const { path, offset, type, shape } = source;
  if (storage.kind !== "dense") return [[name, unpackGguf(path, offset, ggufTypeId(type), shape)]];
  return mapTensors(path, [{ offset, dtype: denseDtypes[storage.dtype], shape }]).map((array) => [
    name,
    array,
  ]);
};

/**
 * The weights and config of a proven GGUF file. Matrices of types whose blocks are groups of 32 stay quantized without
 * loss: Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K, Q8_0, MXFP4.
 *
 * @throws {WeightsError} for an unknown architecture, tensor or type
 */
export const openGguf = (
  gguf: GgufFile,
  { config, parameters, scalars, rules, sizes }: GgufModel,
  { repack }: OpenGgufOptions,
): Checkpoint => {
  const stored = new Map(parameters.flatMap((parameter) => readParameter(parameter, repack)));
  for (const [name, value] of scalars) stored.set(name, mx.array(value, mx.float32));
  const weights = sanitize(stored, rules, sizes);
  const used = new Set(weights.values());
  for (const array of weights.values()) mx.evaluate(array);
  for (const array of stored.values()) if (!used.has(array)) array.dispose();
  const repacked = repack
    ? parameters.filter(({ storage, isMatrix }) => storage.kind === "dequantize" && isMatrix).length
    : 0;
  const described = repacked === 0 ? config : { quantization: { group_size: 32, bits: 8 }, ...config };
  return {
    config: described,
    generationConfig: {},
    weights,
    quantization: readQuantizationConfig(described).quantization,
    repacked,
    computeDtype: mx.float16, // as MLX's own loader gives it; GGUF keeps norms in float32
    weightBytes: gguf.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
};
