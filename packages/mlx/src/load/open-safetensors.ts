import { join } from "node:path";
import type { Dtype, MxArray } from "../core/index.ts";
import { mapTensors } from "../core/mapped.ts";
import { ConfigError, WeightsError } from "../errors.ts";
import { resolveSafetensors, type TensorSource } from "../weights/index.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { isObject } from "./is-object.ts";
import { type QuantizationReading, readQuantizationConfig } from "./quantization-config.ts";
import { readJsonObject } from "./read-json.ts";
import { loadedDtype } from "./stored-dtypes.ts";

const dtypeOf = ({ name, dtype }: TensorSource): Dtype => {
  const found = loadedDtype(dtype);
  if (found === undefined)
    throw new WeightsError(`Tensor ${name.slice(0, 100)} has dtype ${dtype}, which MLX does not have`);
  return found;
};

const byPath = (sources: readonly TensorSource[]): Map<string, TensorSource[]> => {
  const groups = new Map<string, TensorSource[]>();
  for (const source of sources) {
    const group = groups.get(source.path);
    if (group === undefined) groups.set(source.path, [source]);
    else group.push(source);
  }
  return groups;
};

/** Arrays over proven tensors, by name; files are mapped once each. */
export const mapSources = (sources: readonly TensorSource[]): Map<string, MxArray> => {
  const weights = new Map<string, MxArray>();
  for (const [path, tensors] of byPath(sources)) {
    const arrays = mapTensors(
      path,
      tensors.map((t) => ({ offset: t.offset, dtype: dtypeOf(t), shape: t.shape })),
    );
    tensors.forEach(({ name }, i) => {
      const array = arrays[i];
      if (array !== undefined) weights.set(name, array);
    });
  }
  return weights;
};

/** The parsed `config.json` of a model folder. @throws {ConfigError} when it is missing or damaged */
export const readModelConfig = (folder: string): Record<string, unknown> => {
  const config = readJsonObject(join(folder, "config.json"));
  if (config === undefined) throw new ConfigError(`${folder} has no config.json: it is not a model folder`);
  return config;
};

/** The config with its quantization, which some tools keep under `text_config` or in a file of its own. */
const withQuantization = (
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  if (config.quantization !== undefined || config.quantization_config !== undefined) return config;
  const { text_config } = config;
  const nested = isObject(text_config) ? text_config.quantization_config : undefined;
  const quantization_config = nested ?? readModelOptConfig(folder);
  return quantization_config === undefined ? config : { ...config, quantization_config };
};

/** What NVIDIA's ModelOpt says of a folder: its settings, one level deeper than in `config.json`. */
const readModelOptConfig = (folder: string): Readonly<Record<string, unknown>> | undefined => {
  const quantization = readJsonObject(join(folder, "hf_quant_config.json"))?.quantization;
  return isObject(quantization) ? { ...quantization, quant_method: "modelopt" } : undefined;
};

/** Weights in MLX's layout; the stored ones are gone afterwards, also when a layer does not fit its format. */
const converted = (
  stored: Map<string, MxArray>,
  convert: QuantizationReading["convert"],
): Map<string, MxArray> => {
  if (convert === undefined) return stored;
  try {
    return convert(stored);
  } catch (error) {
    for (const array of stored.values()) array.dispose();
    throw error;
  }
};

/**
 * Opens the rest of a model folder: `generation_config.json` and safetensors weights.
 *
 * @throws {ConfigError} when the quantization of the config is not one we know
 * @throws {WeightsError} when weights are missing, damaged or hostile
 */
export const openSafetensors = (folder: string, config: Readonly<Record<string, unknown>>): Checkpoint => {
  // before arrays exist that a failure would leave behind
  const { quantization, convert } = readQuantizationConfig(withQuantization(folder, config));
  const sources = resolveSafetensors(folder);
  return {
    config,
    generationConfig: readJsonObject(join(folder, "generation_config.json")) ?? {},
    weights: converted(mapSources(sources), convert),
    quantization,
    repacked: 0,
    computeDtype: undefined,
    weightBytes: sources.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
};
