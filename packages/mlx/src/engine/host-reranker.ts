import type { LoadedReranker, Reranker } from "../reranking/index.ts";
import { loadReranker } from "../reranking/load-reranker.ts";
import { countParameters } from "./count-parameters.ts";
import type { LoadRerankerRequest, RerankerInfo } from "./types.ts";

/** A model inside an engine that scores documents. */
export interface HostReranker {
  readonly reranker: Reranker;
  readonly info: RerankerInfo;
}

const describe = (
  { reranker, config, quantization, weightBytes, warnings }: LoadedReranker,
  { device, loadMs }: Pick<RerankerInfo, "device" | "loadMs">,
): RerankerInfo => {
  const { scorer, maxLength, settings } = reranker;
  return {
    modelType: String(config.model_type),
    parameterCount: countParameters(scorer),
    weightBytes,
    ...(quantization === undefined ? {} : { quantization: { ...quantization } }),
    ...(maxLength === undefined ? {} : { maxLength }),
    activation: settings.activation,
    takesInstruction: settings.instruction !== undefined,
    device,
    loadMs,
    warnings: [...warnings],
  };
};

/** Loads a model for an engine that scores documents. @throws {MlxError} as `loadReranker` */
export const openHostReranker = async (
  { path, quantize = false, exact = false }: LoadRerankerRequest,
  device: "cpu" | "gpu",
): Promise<HostReranker> => {
  const start = performance.now();
  const loaded = await loadReranker(path, { device, quantize, exact });
  const info = describe(loaded, { device, loadMs: performance.now() - start });
  return { reranker: loaded.reranker, info };
};
