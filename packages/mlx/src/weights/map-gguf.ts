import type { ByteReader } from "./byte-reader.ts";
import { ggufArchitecture, ggufToConfig } from "./gguf-config.ts";
import { type GgufTransform, ggufTensorName, ggufTransform, isGgufRopeTensor } from "./gguf-tensor-names.ts";
import { type GgufStorage, ggufStorage } from "./gguf-types.ts";
import type { GgufFile, GgufTensor } from "./read-gguf.ts";
import { failWeights, quoteName } from "./weights-problem.ts";

/** One parameter of the model, and what has to be done to its bytes. */
export interface GgufParameter {
  /** Hugging Face name, ending in `.weight` or `.bias`. */
  name: string;
  source: GgufTensor;
  /** `affine` parameters become `.weight`, `.scales` and `.biases`. */
  storage: Exclude<GgufStorage, { kind: "unsupported" }>;
  transform: GgufTransform;
  /** Heads to reorder by, for `unpermute-q` and `unpermute-k`; see `unpermutedRows`. */
  heads?: number;
}

/** A GGUF file as a Hugging Face model. */
export interface GgufModel {
  /** As `ggufToConfig`; with `quantization` in mlx-lm's form when any parameter stays quantized. */
  config: Record<string, unknown>;
  parameters: GgufParameter[];
}

/**
 * Translates a GGUF file into a config and Hugging Face parameters. Every tensor has a place or is refused.
 *
 * @param reader - the file's bytes when they are not at `gguf.path`
 * @throws {WeightsError} for an unknown architecture or tensor, or a type that cannot be unpacked
 * @throws {ConfigError} as `ggufToConfig`
 */
export function mapGguf(gguf: GgufFile, reader?: ByteReader): GgufModel {
  const architecture = ggufArchitecture(gguf);
  const config = ggufToConfig(gguf, reader);
  const parameters = gguf.tensors
    .filter((tensor) => !isGgufRopeTensor(tensor.name))
    .map((tensor) => mapTensor(tensor, architecture, config));
  const quantization = describeQuantization(parameters);
  return { config: quantization === undefined ? config : { ...config, quantization }, parameters };
}

function mapTensor(source: GgufTensor, architecture: string, config: Record<string, unknown>): GgufParameter {
  const quoted = quoteName(source.name);
  const name = ggufTensorName(architecture, source.name);
  if (name === undefined) {
    return failWeights(source.path, "mismatch", `tensor ${quoted} has no place in a ${architecture} model`);
  }
  const transform = ggufTransform(architecture, source.name);
  const parameter = { name, source, storage: storageOf(source), transform };
  if (transform !== "unpermute-q" && transform !== "unpermute-k") return parameter;
  const heads = Number(config[transform === "unpermute-q" ? "num_attention_heads" : "num_key_value_heads"]);
  const [rows] = source.shape;
  if (rows === undefined || rows % (2 * heads) !== 0) {
    failWeights(
      source.path,
      "shape",
      `tensor ${quoted} has ${rows} rows, which ${heads} heads do not divide`,
    );
  }
  return { ...parameter, heads };
}

/** MLX keeps matrices quantized; anything else of a quantized type is unpacked. */
function storageOf(source: GgufTensor): GgufParameter["storage"] {
  const storage = ggufStorage(source.type);
  if (storage.kind === "unsupported") {
    const message = `tensor ${quoteName(source.name)} has type ${source.type}, which is not supported; take a Q4_0, Q4_1, Q8_0 or K-quant file`;
    return failWeights(source.path, "unsupported", message);
  }
  const isMatrix = source.shape.length === 2 && source.name.endsWith(".weight");
  return storage.kind === "affine" && !isMatrix ? { kind: "dequantize" } : storage;
}

/** mlx-lm's `quantization`: the most frequent width for all, and the modules that differ by name. */
function describeQuantization(parameters: readonly GgufParameter[]): Record<string, unknown> | undefined {
  const bits = new Map<string, number>();
  for (const { name, storage } of parameters) {
    if (storage.kind === "affine") bits.set(name.replace(/\.weight$/, ""), storage.bits);
  }
  if (bits.size === 0) return undefined;
  const fours = [...bits.values()].filter((value) => value === 4).length;
  const usual = fours * 2 >= bits.size ? 4 : 8;
  const others = [...bits].filter(([, value]) => value !== usual);
  return {
    group_size: 32,
    bits: usual,
    ...Object.fromEntries(others.map(([module, value]) => [module, { group_size: 32, bits: value }])),
  };
}
