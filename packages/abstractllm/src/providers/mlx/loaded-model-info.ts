import type { EmbedderInfo, ModelInfo, RerankerInfo } from "@abstractllm/mlx";
import type { LoadedModelInfo } from "../../interface/loaded-model.ts";

/** What the engine tells of a model it has loaded, in the interface's words. */
export function toLoadedModelInfo(
  name: string,
  info: ModelInfo | EmbedderInfo | RerankerInfo,
): LoadedModelInfo {
  const { modelType, parameterCount, weightBytes, device, quantization } = info;
  const draftBytes = "draftModel" in info ? (info.draftModel?.weightBytes ?? 0) : 0;
  const contextLength = "contextLength" in info ? info.contextLength : undefined;
  return {
    name,
    weightBytes: weightBytes + draftBytes,
    device,
    modelType,
    parameterCount,
    ...(quantization === undefined ? {} : { bits: quantization.bits }),
    ...(contextLength === undefined ? {} : { contextLength }),
  };
}
