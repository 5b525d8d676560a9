import type { GenerateResponse, Usage } from "./generate-response.ts";
import type { PromptTokenLogprob, TokenLogprob } from "./token-logprob.ts";
import type { ToolCall, ToolResult } from "./tool-call.ts";

/** More text of the answer. */
export interface TextDeltaPart {
  type: "text-delta";
  text: string;
  /** Of the tokens that `text` begins or goes on with, with the option `logprobs`. */
  logprobs?: readonly TokenLogprob[];
}

/**
 * The model has read the prompt, and what it takes is known before the answer's text: once for each answer of the model, and
 * again where it is asked anew. Absent where the provider learns it with the end.
 */
export interface PromptUsagePart extends Pick<Usage, "inputTokens" | "cachedInputTokens"> {
  type: "prompt-usage";
}

/** Log probabilities of the prompt, with the option `promptLogprobs`; before the answer's text. */
export interface PromptLogprobsPart {
  type: "prompt-logprobs";
  logprobs: readonly PromptTokenLogprob[];
}

/** More of what the model thinks before it answers. */
export interface ReasoningDeltaPart {
  type: "reasoning-delta";
  text: string;
}

/** The model begins to write the arguments of a tool call. */
export interface ToolInputStartPart {
  type: "tool-input-start";
  id: string;
  name: string;
}

/** More JSON text of a tool call's arguments. */
export interface ToolInputDeltaPart {
  type: "tool-input-delta";
  id: string;
  text: string;
}

/** A tool call is complete. */
export interface ToolCallPart {
  type: "tool-call";
  toolCall: ToolCall;
}

/**
 * The answer to a call with a schema begins, and can be nothing but a value of it: its text is the value's JSON, which is
 * not written again. Absent where the model is only asked for such a value.
 */
export interface ObjectStartPart {
  type: "object-start";
}

/** What is there of the answer to a call with a schema; grows from part to part and is not validated yet. */
export interface ObjectDeltaPart<Unfinished = unknown> {
  type: "object-delta";
  object: Unfinished;
}

/** A tool was run. */
export interface ToolResultPart {
  type: "tool-result";
  toolResult: ToolResult;
}

/** One answer of the model within a call that runs tools or asks again for its schema; the next one follows. */
export interface StepFinishPart extends Pick<GenerateResponse, "finishReason" | "rawFinishReason" | "usage"> {
  type: "step-finish";
}

/** The answer is complete; nothing follows. */
export interface FinishPart
  extends Pick<GenerateResponse, "finishReason" | "rawFinishReason" | "usage" | "warnings" | "timings"> {
  type: "finish";
}

/** The answer broke off; nothing follows. `stream.response` rejects with the same error. */
export interface ErrorPart {
  type: "error";
  error: unknown;
}

/** A part that can come before the end. */
export type DeltaPart<Unfinished = unknown> =
  | PromptUsagePart
  | PromptLogprobsPart
  | TextDeltaPart
  | ReasoningDeltaPart
  | ToolInputStartPart
  | ToolInputDeltaPart
  | ToolCallPart
  | ObjectStartPart
  | ObjectDeltaPart<Unfinished>
  | ToolResultPart
  | StepFinishPart;

/** Parts of a streamed answer: any number of deltas, then exactly one `finish` or `error`. */
export type StreamPart<Unfinished = unknown> = DeltaPart<Unfinished> | FinishPart | ErrorPart;
