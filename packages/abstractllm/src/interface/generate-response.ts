import type { AssistantMessage, ToolMessage } from "./message.ts";
import type { PromptTokenLogprob, TokenLogprob } from "./token-logprob.ts";
import type { ToolCall } from "./tool-call.ts";

/** Tokens of one call, as the model counts them. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  /** Input tokens that were taken from a cache instead of being computed. */
  cachedInputTokens: number;
  /** Output tokens spent on reasoning; part of `outputTokens`. */
  reasoningTokens: number;
}

/** How long the parts of one call took, and what they needed. Loading the model is not included. */
export interface Timings {
  timeToFirstTokenMs: number;
  prefillTokensPerSecond: number;
  decodeTokensPerSecond: number;
  peakMemoryBytes: number;
  totalMs: number;
  /** Tokens that `promptLookup` or `draftModel` guessed and the model checked; absent where nobody guessed. */
  draftedTokens?: number;
  /** Those of `draftedTokens` that were right. */
  acceptedTokens?: number;
}

/** Why an answer ended: the model was done or met a stop string, or it reached a limit of length. */
export type FinishReason = "stop" | "length" | "tool-calls" | "content-filter" | "other";

/** A finished answer. */
export interface GenerateResponse {
  text: string;
  /** What the model thought before it answered, where it shows that separately. */
  reasoning?: string;
  /** Of the tokens of `text`, with the option `logprobs`; those of reasoning, tool calls and marks are not among them. */
  logprobs?: readonly TokenLogprob[];
  /** Of the tokens of the prompt, with the option `promptLogprobs`. */
  promptLogprobs?: readonly PromptTokenLogprob[];
  /** The answer as a value of the option `schema`, checked; undefined without that option. */
  object?: unknown;
  /** Tool calls that wait for an answer; empty unless `finishReason` is `"tool-calls"`. */
  toolCalls: readonly ToolCall[];
  /** What to append to the conversation before the next prompt: the answer, after tool calls and their results. */
  messages: readonly (AssistantMessage | ToolMessage)[];
  usage: Usage;
  finishReason: FinishReason;
  /** The provider's own word for `finishReason`. */
  rawFinishReason: string;
  /** What was done differently from what was asked, and why: fallbacks, defaults that do not apply. */
  warnings: readonly string[];
  /** Undefined where a remote service does not tell. */
  timings?: Timings;
  /** The model that answered, which after a fallback is not the one asked for. */
  model: string;
  provider: string;
  /** The provider's last message as it came, for what has no field here. */
  raw: unknown;
}

/** A finished answer to a call with a schema. */
export interface ObjectResponse<T> extends GenerateResponse {
  object: T;
}
