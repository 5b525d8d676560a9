import type {
  AssistantMessage,
  FinishReason,
  GenerateResponse,
  PromptTokenLogprob,
  Timings,
  TokenLogprob,
  ToolCall,
  Usage,
} from "abstractllm";
import type { Call } from "./call.ts";

/** A finished answer, as all dialects write it. */
export interface Answer {
  readonly text: string;
  /** Of the tokens of the text, and of the prompt, where they are asked for. */
  readonly logprobs: readonly TokenLogprob[] | undefined;
  readonly promptLogprobs: readonly PromptTokenLogprob[] | undefined;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly timings: Timings | undefined;
  readonly warnings: readonly string[];
  /** What the model needs to see again with this answer. */
  readonly providerData: AssistantMessage["providerData"];
}

/** What there is to write of an answer to a call. An answer to a schema is its JSON and nothing around it. */
export function toAnswer(response: GenerateResponse, { options, isSingleCall, notes }: Call): Answer {
  const { object, logprobs, promptLogprobs, finishReason, usage, timings, warnings } = response;
  const isObject = options.schema !== undefined && object !== undefined;
  const last = response.messages.at(-1);
  return {
    text: isObject ? JSON.stringify(object) : response.text,
    logprobs,
    promptLogprobs,
    reasoning: response.reasoning ?? "",
    toolCalls: isSingleCall ? response.toolCalls.slice(0, 1) : response.toolCalls,
    finishReason,
    usage,
    timings,
    warnings: [...notes, ...warnings],
    providerData: last?.role === "assistant" ? last.providerData : undefined,
  };
}

/** The JSON text of a tool call's arguments. */
export function argumentsText({ arguments: input, invalidArguments }: ToolCall): string {
  return invalidArguments ?? JSON.stringify(input);
}
