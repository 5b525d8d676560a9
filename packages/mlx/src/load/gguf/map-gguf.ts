import type { SanitizeRule } from "../../models/index.ts";
import {
  type ByteReader,
  failWeights,
  type GgufFile,
  type GgufStorage,
  type GgufTensor,
  ggufStorage,
  quoteName,
} from "../../weights/index.ts";
import { ggufRow, ggufToConfig } from "./gguf-config.ts";
import type { GgufFields } from "./gguf-fields.ts";
import { type GgufConfig, type GgufRow, layerCount } from "./gguf-row.ts";
import { ggufLayer, ggufStem, ggufTensorName, isGgufRopeTensor } from "./gguf-tensor-names.ts";

/** One tensor of the model, and what has to be done to its bytes. */
export interface GgufParameter {
  /** Hugging Face name, before the model's rules. */
  name: string;
  source: GgufTensor;
  storage: Exclude<GgufStorage, { kind: "unsupported" }>;
  /** Whether it is a matrix or a stack of them, which may stay quantized. */
  isMatrix: boolean;
}

/** A GGUF file as a Hugging Face model. */
export interface GgufModel {
  /** With `quantization` in mlx-lm's form when any parameter stays quantized. */
  config: GgufConfig;
  parameters: GgufParameter[];
  /** Parameters that are single numbers, by name. */
  scalars: ReadonlyMap<string, number>;
  /** The config, or the part of it that the rules read. */
  sizes: GgufConfig;
  /** What undoes the converter's changes, in order. */
  rules: readonly SanitizeRule<GgufConfig>[];
}

/**
 * Translates a GGUF file into a config and Hugging Face parameters. Every tensor has a place or is refused.
 *
 * @param reader - the file's bytes when they are not at `gguf.path`
 * @throws {WeightsError} for an unknown architecture or tensor, or a type that cannot be unpacked
 * @throws {ConfigError} for metadata that is missing, wrong or asks for what is not supported
 */
export function mapGguf(gguf: GgufFile, reader?: ByteReader): GgufModel {
  const found = ggufRow(gguf, reader);
  const { row, fields } = found;
  const config = ggufToConfig(gguf, found);
  const layers = layerCount(fields);
  const parameters = gguf.tensors
    .filter(({ name }) => !isGgufRopeTensor(name) && (ggufLayer(name) ?? -1) < layers)
    .flatMap((tensor) => mapTensor(tensor, row, fields.architecture));
  const quantization = describeQuantization(parameters);
  return {
    config: quantization === undefined ? config : { ...config, quantization },
    parameters,
    scalars: scalarsOf(row, fields),
    rules: row.rules ?? [],
    sizes: row.isNested === true ? (config.text_config as GgufConfig) : config,
  };
}

function scalarsOf({ scalars, layers = "model.layers" }: GgufRow, fields: GgufFields): Map<string, number> {
  const entries = Object.entries(scalars?.(fields) ?? {});
  return new Map(
    entries.flatMap(([name, values]) =>
      values.map((value, layer): [string, number] => [`${layers}.${layer}.${name}`, value]),
    ),
  );
}

function mapTensor(source: GgufTensor, row: GgufRow, architecture: string): GgufParameter[] {
  const name = ggufTensorName(row, source.name);
  if (name === null) return [];
  if (name === undefined) {
    const message = `tensor ${quoteName(source.name)} has no place in a ${architecture} model`;
    return failWeights(source.path, "mismatch", message);
  }
  const isUnpacked = row.unpacked?.includes(ggufStem(source.name) ?? "") ?? false;
  const isMatrix = source.shape.length >= 2 && source.name.endsWith(".weight") && !isUnpacked;
  return [{ name, source, storage: storageOf(source, isMatrix), isMatrix }];
}

/** MLX keeps matrices and stacks of them quantized; anything else of a quantized type is unpacked. */
function storageOf(source: GgufTensor, isMatrix: boolean): GgufParameter["storage"] {
  const storage = ggufStorage(source.type);
  if (storage.kind === "unsupported") {
    const message = `tensor ${quoteName(source.name)} has type ${source.type}, which is not supported; take a Q4_0, Q4_1, Q8_0 or K-quant file`;
    return failWeights(source.path, "unsupported", message);
  }
  const isGrouped = storage.kind === "affine" || storage.kind === "grouped";
  return isGrouped && !isMatrix ? { kind: "dequantize" } : storage;
}

/** mlx-lm's `quantization`: the most frequent one; the layers that differ are known by the shapes of their parts. */
function describeQuantization(parameters: readonly GgufParameter[]): Record<string, unknown> | undefined {
  const counts = new Map<string, number>();
  for (const { storage } of parameters) {
    const hasBits = storage.kind === "affine" || storage.kind === "grouped";
    const key = hasBits ? String(storage.bits) : storage.kind;
    if (hasBits || storage.kind === "mxfp4") counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  if (most === undefined) return undefined;
  const [usual] = most;
  return usual === "mxfp4"
    ? { group_size: 32, bits: 4, mode: "mxfp4" }
    : { group_size: 32, bits: Number(usual) };
}
