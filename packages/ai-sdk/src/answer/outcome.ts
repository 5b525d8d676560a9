import {
  type AssistantMessage,
  type FinishReason,
  type GenerateResponse,
  GenerationError,
  type LLMStream,
  type PromptTokenLogprob,
  type Timings,
  type TokenLogprob,
  type ToolCall,
  type Usage,
} from "abstractllm";

/** A finished answer. */
export interface Outcome {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly rawFinishReason: string;
  readonly usage: Usage;
  readonly warnings: readonly string[];
  readonly timings?: Timings | undefined;
  /** Of the tokens of the text and of the prompt, where they were asked for. */
  readonly logprobs?: readonly TokenLogprob[] | undefined;
  readonly promptLogprobs?: readonly PromptTokenLogprob[] | undefined;
  /** The model that answered, where that is known. */
  readonly model?: string | undefined;
  /** What the model needs to see again with this answer. */
  readonly providerData?: AssistantMessage["providerData"];
}

/**
 * What came of a call. An answer that does not fit its schema is one too: the AI SDK checks answers itself, and its
 * error then has the text.
 */
export async function outcomeOf(stream: LLMStream): Promise<Outcome> {
  try {
    return toOutcome(await stream.response);
  } catch (error) {
    if (!isMisfit(error)) throw error;
    const { text, reasoning } = stream.written;
    const { finishReason, rawFinishReason, usage } = error.details;
    return {
      text,
      reasoning,
      toolCalls: [],
      finishReason,
      rawFinishReason,
      usage,
      warnings: [error.message],
    };
  }
}

function toOutcome(response: GenerateResponse): Outcome {
  const { object, reasoning = "", messages } = response;
  const last = messages.at(-1);
  return {
    ...response,
    text: object === undefined ? response.text : JSON.stringify(object),
    reasoning,
    providerData: last?.role === "assistant" ? last.providerData : undefined,
  };
}

interface Misfit extends GenerationError {
  readonly details: Pick<GenerateResponse, "finishReason" | "rawFinishReason" | "usage">;
}

/** Whether a call failed only because its answer does not fit its schema. */
export function isMisfit(error: unknown): error is Misfit {
  return GenerationError.isInstance(error) && "issues" in error.details && "usage" in error.details;
}
