import type { MxArray } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { type Quantization, type QuantizationMode, quantization } from "../nn/index.ts";
import { foreignFormat, foreignMethods } from "./formats/index.ts";
import { isObject } from "./is-object.ts";

type Raw = Readonly<Record<string, unknown>>;

const modes: readonly QuantizationMode[] = ["affine", "mxfp4", "nvfp4", "mxfp8"];

const readOne = (raw: Raw, where: string): Quantization => {
  const mode = modes.find((m) => m === (raw.mode ?? "affine"));
  const { group_size, bits } = raw;
  if (mode === undefined || typeof group_size !== "number" || typeof bits !== "number") {
    throw new ConfigError(`config.json: ${where} needs group_size, bits and a mode of ${modes.join(", ")}`);
  }
  try {
    return quantization({ groupSize: group_size, bits, mode }, where);
  } catch (cause) {
    throw new ConfigError(`config.json: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
};

/** The standard quantization of a checkpoint, and the layers that differ; false for those left dense. */
export interface QuantizationConfig {
  readonly standard: Quantization;
  readonly layers: ReadonlyMap<string, Quantization | false>;
}

/** What a config says about quantization. */
export interface QuantizationReading {
  /** Undefined when the weights are dense, perhaps after `convert`. */
  readonly quantization: QuantizationConfig | undefined;
  /** Brings weights of another tool into MLX's layout. */
  readonly convert?: (weights: ReadonlyMap<string, MxArray>) => Map<string, MxArray>;
}

/** Methods whose name is a mode of MLX: stored as MLX stores them. */
const isMode = (method: string): method is QuantizationMode => method === "mxfp4" || method === "mxfp8";

/** What a method other than mlx-lm's says. */
const readMethod = (method: string, raw: Raw): QuantizationReading => {
  if (isMode(method))
    return { quantization: { standard: quantization({ mode: method }), layers: new Map() } };
  const format = foreignFormat(method, raw);
  if (format === undefined) {
    throw new ConfigError(
      `config.json: the quantization method ${method.slice(0, 40)} is not supported; take a checkpoint that mlx-lm ` +
        `converted, or one quantized by ${[...foreignMethods, "mxfp4", "mxfp8"].join(", ")}`,
    );
  }
  const { standard, convert } = format;
  return { quantization: standard && { standard, layers: new Map() }, convert };
};

/**
 * The quantization of a config: as mlx-lm saves it, with settings per layer path, or by another tool.
 *
 * @throws {ConfigError} when the method is not known, or its settings are incomplete
 */
export const readQuantizationConfig = (config: Raw): QuantizationReading => {
  const raw = config.quantization ?? config.quantization_config;
  if (raw === undefined || raw === null) return { quantization: undefined };
  if (!isObject(raw)) throw new ConfigError("config.json: quantization is not an object");
  const method = raw.quant_method;
  if (method !== undefined && method !== null) return readMethod(String(method), raw);
  const layers = new Map<string, Quantization | false>();
  for (const [path, value] of Object.entries(raw)) {
    if (value === false) layers.set(path, false);
    else if (isObject(value)) layers.set(path, readOne({ ...raw, ...value }, `quantization of ${path}`));
  }
  return { ...readBeneath(config), quantization: { standard: readOne(raw, "quantization"), layers } };
};

/** BitNet layers stay packed in checkpoints whose other layers mlx-lm quantized. */
const readBeneath = ({ quantization_config: raw }: Raw): Pick<QuantizationReading, "convert"> => {
  if (!isObject(raw) || raw.quant_method !== "bitnet") return {};
  const { convert } = readMethod("bitnet", raw);
  return convert === undefined ? {} : { convert };
};
