import type { EngineModel } from "@abstractllm/mlx";

/** The text that a model continues a fixed prompt with, greedily, to exactly `maxTokens`. */
export const answer = async (
  model: EngineModel,
  maxTokens: number,
  signal?: AbortSignal,
): Promise<string> => {
  let text = "";
  const request = { prompt: "The capital of France is", maxTokens, ignoreEos: true };
  for await (const part of model.generate(request, signal && { signal })) {
    if (part.type === "text-delta") text += part.text;
  }
  return text;
};
