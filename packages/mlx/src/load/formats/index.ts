/** Checkpoints quantized by other tools than mlx-lm. */
import type { MxArray } from "../../core/index.ts";
import type { Quantization } from "../../nn/index.ts";
import { awq } from "./awq.ts";
import { bitnet } from "./bitnet.ts";
import { compressedTensors } from "./compressed-tensors.ts";
import { FormatSettings } from "./format-settings.ts";
import { fp8 } from "./fp8.ts";
import { gptq } from "./gptq.ts";
import { modelopt } from "./nvfp4.ts";
import { convertWeights, type WeightFormat } from "./weight-format.ts";

/** Scales of keys and values in caches of float8, which ours are not. */
const CACHE_SCALE = /\.[kv]_scale$/;

const withoutCacheScales = (weights: ReadonlyMap<string, MxArray>): Map<string, MxArray> => {
  const kept = new Map(weights);
  for (const [key, array] of weights) {
    if (!CACHE_SCALE.test(key)) continue;
    kept.delete(key);
    array.dispose();
  }
  return kept;
};

/** How the layers of a foreign checkpoint become MLX's. */
export interface ForeignFormat {
  /** What most quantized layers become; undefined where they become dense. */
  readonly standard: Quantization | undefined;
  /** The weights with every packed layer in MLX's layout. @throws {WeightsError} for a layer that does not fit */
  convert(weights: ReadonlyMap<string, MxArray>): Map<string, MxArray>;
}

const methods: Readonly<Record<string, (settings: FormatSettings) => readonly WeightFormat[]>> = {
  awq: (settings) => [awq(settings)],
  bitnet: (settings) => [bitnet(settings)],
  "compressed-tensors": compressedTensors,
  fp8,
  gptq: (settings) => [gptq(settings)],
  modelopt: (settings) => [modelopt(settings)],
};

/** Quantization methods that are read, beside mlx-lm's own. */
export const foreignMethods: readonly string[] = Object.keys(methods);

/**
 * The format of a config's `quant_method`; undefined for methods that are not known.
 *
 * @param raw - the config's `quantization_config`
 * @throws {ConfigError} for a kind of the method that is not read
 */
export const foreignFormat = (
  method: string,
  raw: Readonly<Record<string, unknown>>,
): ForeignFormat | undefined => {
  if (!Object.hasOwn(methods, method)) return undefined;
  const formats = methods[method]?.(new FormatSettings(method, raw)) ?? [];
  return {
    standard: formats[0]?.standard,
    convert: (weights) => formats.reduce(convertWeights, withoutCacheScales(weights)),
  };
};
