import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { mapGgufAffine, mapTensors, unpackGguf } from "../../core/mapped.ts";
import { sanitize } from "../../models/index.ts";
import { type GgufFile, type GgufTensor, ggufTypeId } from "../../weights/index.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { readQuantizationConfig } from "../quantization-config.ts";
import type { GgufModel, GgufParameter } from "./map-gguf.ts";

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

/** Words, scales and biases of a stack of matrices whose blocks are MLX's groups. */
const readAffine = ({ path, offset, type, shape }: GgufTensor): Record<string, MxArray> => {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const parts = Object.entries(mapGgufAffine(path, offset, ggufTypeId(type), [rows, columns]));
  return Object.fromEntries(
    parts.map(([part, array]) => [part, mx.reshape(array, [...shape.slice(0, -1), array.dim(-1)])]),
  );
};

/** A block of ggml's MXFP4 is its exponent, then 16 bytes with elements `i` and `i + 16`; MLX wants `2 i` and `2 i + 1`. */
const readMxfp4 = ({ path, offset, shape, byteLength }: GgufTensor): Record<string, MxArray> =>
  mx.tidy(() => {
    const rows = shape.slice(0, -1);
    const [bytes] = mapTensors(path, [{ offset, dtype: mx.uint8, shape: [byteLength / 17, 17] }]);
    if (bytes === undefined) throw new Error("nothing was mapped");
    const [exponents = bytes, halves = bytes] = mx.split(bytes, [1], 1);
    const elements = mx.concatenate([mx.bitwiseAnd(halves, 15), mx.rightShift(halves, 4)], 1); // [blocks, 32]
    const [even = elements, odd = elements] = mx.split(mx.reshape(elements, [-1, 16, 2]), 2, 2);
    const packed = mx.bitwiseOr(even, mx.leftShift(odd, 4)).astype(mx.uint8); // [blocks, 16, 1]
    return {
      weight: mx.view(mx.reshape(packed, [...rows, -1]), mx.uint32),
      scales: mx.reshape(exponents.astype(mx.uint8), [...rows, -1]),
    };
  });

/** The arrays of one parameter, as name and value: `.weight`, and with quantization `.scales` and `.biases`. */
const readParameter = ({ name, source, storage }: GgufParameter): [string, MxArray][] => {
  const { path, offset, type, shape } = source;
  if (storage.kind === "affine" || storage.kind === "mxfp4") {
    const stem = name.replace(/\.weight$/, "");
    const parts = storage.kind === "affine" ? readAffine(source) : readMxfp4(source);
    return Object.entries(parts).map(([part, array]) => [`${stem}.${part}`, array]);
  }
  if (storage.kind === "dequantize") return [[name, unpackGguf(path, offset, ggufTypeId(type), shape)]];
  return mapTensors(path, [{ offset, dtype: denseDtypes[storage.dtype], shape }]).map((array) => [
    name,
    array,
  ]);
};

/**
 * The weights and config of a proven GGUF file: Q4_0, Q4_1 and Q8_0 matrices stay quantized without loss, other
 * quantized types unpack to float32.
 *
 * @throws {WeightsError} for an unknown architecture, tensor or type
 */
export const openGguf = (
  gguf: GgufFile,
  { config, parameters, scalars, rules, sizes }: GgufModel,
): Checkpoint => {
  const stored = new Map(parameters.flatMap(readParameter));
  for (const [name, value] of scalars) stored.set(name, mx.array(value, mx.float32));
  const weights = sanitize(stored, rules, sizes);
  const used = new Set(weights.values());
  for (const array of weights.values()) mx.evaluate(array);
  for (const array of stored.values()) if (!used.has(array)) array.dispose();
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
