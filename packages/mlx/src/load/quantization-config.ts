import { ConfigError } from "../errors.ts";
import { type Quantization, type QuantizationMode, quantization } from "../nn/index.ts";

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

const isObject = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The standard quantization of a checkpoint, and the layers that differ; false for those left dense. */
export interface QuantizationConfig {
  readonly standard: Quantization;
  readonly layers: ReadonlyMap<string, Quantization | false>;
}

/** Methods of other tools whose weights are MLX's, once `sanitize` has renamed them. */
const sameAs: Readonly<Record<string, QuantizationMode>> = { mxfp4: "mxfp4", mxfp8: "mxfp8" };

/**
 * The `quantization` of a config as mlx-lm saves it, with settings per layer path.
 *
 * @throws {ConfigError} when it is of another method (GPTQ, AWQ, ...), or incomplete
 */
export const readQuantizationConfig = (config: Raw): QuantizationConfig | undefined => {
  const raw = config.quantization ?? config.quantization_config;
  if (raw === undefined || raw === null) return undefined;
  if (!isObject(raw)) throw new ConfigError("config.json: quantization is not an object");
  const method = raw.quant_method;
  // float8 weights with a scale per block are unpacked by `sanitize`
  if (method === "fp8" && Array.isArray(raw.weight_block_size)) return undefined;
  if (method === "compressed-tensors" && raw.format === "pack-quantized") {
    return { standard: quantization({ groupSize: 32, bits: 4 }), layers: new Map() };
  }
  const mode = typeof method === "string" && Object.hasOwn(sameAs, method) ? sameAs[method] : undefined;
  if (mode !== undefined) return { standard: quantization({ mode }), layers: new Map() };
  if (method !== undefined) {
    throw new ConfigError(
      `config.json: the quantization method ${String(method).slice(0, 40)} is not supported; use a checkpoint that mlx-lm converted`,
    );
  }
  const layers = new Map<string, Quantization | false>();
  for (const [path, value] of Object.entries(raw)) {
    if (value === false) layers.set(path, false);
    else if (isObject(value)) layers.set(path, readOne({ ...raw, ...value }, `quantization of ${path}`));
  }
  return { standard: readOne(raw, "quantization"), layers };
};
