import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { mapGgufAffine, mapTensors, unpackGguf } from "../core/mapped.ts";
import {
  type GgufFile,
  type GgufModel,
  type GgufParameter,
  ggufTypeId,
  unpermutedRows,
} from "../weights/index.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { readQuantizationConfig } from "./quantization-config.ts";

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

/** The arrays of one parameter, as suffix and value: `.weight`, and with quantization `.scales` and `.biases`. */
const readParameter = ({ name, source, storage }: GgufParameter): [string, MxArray][] => {
  const { path, offset, type, shape } = source;
  if (storage.kind === "affine") {
    const [rows = 0, columns = 0] = shape;
    const stem = name.replace(/\.weight$/, "");
    const parts = mapGgufAffine(path, offset, ggufTypeId(type), [rows, columns]);
    return Object.entries(parts).map(([part, array]) => [`${stem}.${part}`, array]);
  }
  if (storage.kind === "dequantize") return [[name, unpackGguf(path, offset, ggufTypeId(type), shape)]];
  return mapTensors(path, [{ offset, dtype: denseDtypes[storage.dtype], shape }]).map((array) => [
    name,
    array,
  ]);
};

/** Undoes what llama.cpp's converter did to the rows or values. */
const restored = (array: MxArray, { transform, heads = 1 }: GgufParameter): MxArray => {
  if (transform === "none") return array;
  if (transform === "subtract-one") return array.subtract(1);
  return mx.take(array, mx.array(unpermutedRows(array.dim(0), heads)), 0);
};

/**
 * The weights and config of a proven GGUF file: Q4_0, Q4_1 and Q8_0 matrices stay quantized without loss, other
 * quantized types unpack to float32.
 *
 * @throws {WeightsError} for an unknown architecture, tensor or type
 */
export const openGguf = (gguf: GgufFile, { config, parameters }: GgufModel): Checkpoint => {
  const weights = new Map<string, MxArray>();
  for (const parameter of parameters) {
    for (const [name, array] of readParameter(parameter)) {
      const final = mx.tidy(() => restored(array, parameter));
      mx.evaluate(final);
      if (final !== array) array.dispose();
      weights.set(name, final);
    }
  }
  return {
    config,
    generationConfig: {},
    weights,
    quantization: readQuantizationConfig(config).quantization,
    unpacked: new Set(
      parameters
        .filter(({ storage, source }) => storage.kind === "dequantize" && source.shape.length === 2)
        .map(({ name }) => name.replace(/\.weight$/, "")),
    ),
    computeDtype: mx.float16, // as MLX's own loader gives it; GGUF keeps norms in float32
    weightBytes: gguf.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
};
