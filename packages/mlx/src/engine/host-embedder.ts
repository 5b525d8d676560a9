import type { Embedder, LoadedEmbedder } from "../embedding/index.ts";
import { loadEmbedder } from "../embedding/load-embedder.ts";
import { inputTypes, takesInstruction } from "../embedding/text-prompts.ts";
import { countParameters } from "./count-parameters.ts";
import type { EmbedderInfo, LoadEmbedderRequest } from "./types.ts";

/** A model inside an engine that makes vectors. */
export interface HostEmbedder {
  readonly embedder: Embedder;
  readonly info: EmbedderInfo;
}

const describe = (
  { embedder, config, quantization, weightBytes, warnings }: LoadedEmbedder,
  { device, loadMs }: Pick<EmbedderInfo, "device" | "loadMs">,
): EmbedderInfo => {
  const { encoder, dimensions, maxLength, settings } = embedder;
  return {
    modelType: String(config.model_type),
    parameterCount: countParameters(encoder),
    weightBytes,
    ...(quantization === undefined ? {} : { quantization: { ...quantization } }),
    dimensions,
    ...(maxLength === undefined ? {} : { maxLength }),
    pooling: settings.pooling,
    normalizes: settings.normalizes,
    inputTypes: inputTypes(settings.prompts),
    takesInstruction: takesInstruction(settings.prompts),
    device,
    loadMs,
    warnings: [...warnings],
  };
};

/** Loads a model for an engine that makes vectors. @throws {MlxError} as `loadEmbedder` */
export const openHostEmbedder = async (
  { path, quantize = false, exact = false }: LoadEmbedderRequest,
  device: "cpu" | "gpu",
): Promise<HostEmbedder> => {
  const start = performance.now();
  const loaded = await loadEmbedder(path, { device, quantize, exact });
  const info = describe(loaded, { device, loadMs: performance.now() - start });
  return { embedder: loaded.embedder, info };
};
