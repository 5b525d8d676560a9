import { type EngineModel, type GenerateRequest, type GenerationPart, MlxError } from "@abstractllm/mlx";

export interface Outcome {
  tokens: number[];
  text: string;
  raw: string;
}

/** The whole answer to a request. */
export const outcomeOf = async (
  model: EngineModel,
  request: GenerateRequest,
  { signal, onPart }: { signal?: AbortSignal; onPart?: (part: GenerationPart) => void } = {},
): Promise<Outcome> => {
  const outcome: Outcome = { tokens: [], text: "", raw: "" };
  for await (const part of model.generate(request, signal && { signal })) {
    onPart?.(part);
    if (part.type === "finish") outcome.raw = part.rawFinishReason;
    if (part.type === "text-delta") {
      outcome.tokens.push(...part.tokens);
      outcome.text += part.text;
    }
  }
  return outcome;
};

/** The same, or `"aborted"` by a signal that fires after so many parts. */
export const outcomeOrAborted = async (
  model: EngineModel,
  request: GenerateRequest = { prompt: [], maxTokens: 1 },
  abortAfter = Number.POSITIVE_INFINITY,
): Promise<Outcome | "aborted"> => {
  const abort = new AbortController();
  let parts = 0;
  const count = () => {
    if (parts++ >= abortAfter) abort.abort();
  };
  queueMicrotask(count);
  try {
    return await outcomeOf(model, request, { signal: abort.signal, onPart: count });
  } catch (error) {
    if (MlxError.isInstance(error) && error.code === "aborted") return "aborted";
    throw error;
  }
};

const topics = ["rivers", "the moon", "bread", "old maps", "a lighthouse", "chess", "winter", "copper"];
const prompt = (i: number): string =>
  `${"Answer shortly and clearly. ".repeat(1 + ((i * 7) % 30))}Tell me about ${topics[i % topics.length]}.`;

/** Requests of all kinds: texts and conversations, short and long, greedy and drawn, with every way to end. */
export const requests: GenerateRequest[] = Array.from({ length: 16 }, (_, i) => ({
  prompt: i % 2 === 0 ? prompt(i) : [{ role: "user", content: prompt(i) }],
  maxTokens: 4 + ((i * 13) % 37),
  ignoreEos: i % 5 === 0,
  ...(i % 4 === 1 ? { temperature: 0.8, topP: 0.95, seed: i } : {}),
  ...(i % 4 === 2 ? { repetitionPenalty: 1.2, presencePenalty: 0.3 } : {}),
  ...(i % 4 === 3 ? { stop: [".", "\n\n"] } : {}),
}));
