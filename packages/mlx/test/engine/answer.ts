import type { EngineModel, GenerateRequest, GenerationPart } from "@abstractllm/mlx";

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

type Finish = Extract<GenerationPart, { type: "finish" }>;

/** All of an answer. */
export const collectAnswer = async (
  model: EngineModel,
  request: GenerateRequest,
  signal?: AbortSignal,
): Promise<{ text: string; tokens: number[]; finish: Finish }> => {
  let text = "";
  const tokens: number[] = [];
  let finish: Finish | undefined;
  for await (const part of model.generate(request, signal && { signal })) {
    if (part.type === "finish") finish = part;
    if (part.type === "text-delta") {
      text += part.text;
      tokens.push(...part.tokens);
    }
  }
  if (finish === undefined) throw new Error("the answer has no end");
  return { text, tokens, finish };
};
