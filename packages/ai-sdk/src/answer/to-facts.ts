import type {
  LanguageModelV3FinishReason,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from "@ai-sdk/provider";
import type { ToolCall, Usage } from "abstractllm";
import { ownMetadata } from "../call/provider-options.ts";
import type { Outcome } from "./outcome.ts";

/** Tokens as the AI SDK counts them. */
export function toUsage(usage: Usage): LanguageModelV3Usage {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = usage;
  return {
    inputTokens: {
      total: inputTokens,
      noCache: inputTokens - cachedInputTokens,
      cacheRead: cachedInputTokens,
      cacheWrite: undefined,
    },
    outputTokens: {
      total: outputTokens,
      text: outputTokens - reasoningTokens,
      reasoning: reasoningTokens,
    },
    raw: { ...usage },
  };
}

/** Of an answer that broke off. */
export const UNKNOWN_USAGE: LanguageModelV3Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

/** Why an answer ended; both sides have the same words. */
export function toFinishReason({
  finishReason,
  rawFinishReason,
}: Pick<Outcome, "finishReason" | "rawFinishReason">): LanguageModelV3FinishReason {
  return { unified: finishReason, raw: rawFinishReason };
}

/** What the AI SDK has no field for. */
export function toMetadata({
  timings,
  logprobs,
  promptLogprobs,
  warnings,
}: Pick<Outcome, "timings" | "logprobs" | "promptLogprobs" | "warnings">): SharedV3ProviderMetadata {
  const told = warnings.length === 0 ? {} : { warnings };
  return ownMetadata({ timings, logprobs, promptLogprobs, ...told });
}

/** The JSON text of a tool call's arguments. */
export function argumentsText({ arguments: input, invalidArguments }: ToolCall): string {
  return invalidArguments ?? JSON.stringify(input);
}
