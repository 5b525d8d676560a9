import type { Options } from "../config/option-table.ts";
import { forwardParts } from "../delegate/index.ts";
import { ContextWindowExceededError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import { isOfAnswer } from "../interface/is-of-answer.ts";
import type { Message } from "../interface/message.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import { measure } from "./measure.ts";
import { truncatable, turnsToLeaveOut } from "./truncate.ts";

/**
 * Asks the model to go on with a conversation, shortened as its options say.
 *
 * Where no option limits the length and the model finds the conversation too long, half of what may be left out is, and
 * it is asked again.
 *
 * @throws {ContextWindowExceededError} when nothing more may be left out
 */
export async function ask(
  llm: AbstractLLM,
  messages: readonly Message[],
  options: Options,
  emit: (part: DeltaPart) => void,
): Promise<GenerateResponse> {
  const { truncationStrategy = "stopAtLimit", maxInputTokens, ...call } = options;
  const conversation = truncatable(messages, truncationStrategy);
  const limit = inputLimit(llm, options);
  let isDelivered = false;
  const deliver = (part: DeltaPart) => {
    isDelivered ||= isOfAnswer(part);
    emit(part);
  };
  let leftOut =
    limit === undefined
      ? 0
      : await turnsToLeaveOut(conversation, limit, (shortened) => measure(llm, shortened, call));
  for (;;) {
    try {
      const shortened = conversation.without(leftOut);
      const response = await forwardParts(llm.stream(shortened, call), deliver);
      return withWarning(response, messages.length - shortened.length);
    } catch (error) {
      const isTooLong = ContextWindowExceededError.isInstance(error);
      if (!isTooLong || isDelivered || leftOut === conversation.most) throw error;
      leftOut += Math.ceil((conversation.most - leftOut) / 2);
    }
  }
}

/** Most tokens that a prompt may have, by the options of the call and those of the model; undefined without any. */
function inputLimit(llm: AbstractLLM, options: Options): number | undefined {
  const {
    maxInputTokens = llm.getParam("maxInputTokens"),
    contextWindow = llm.getParam("contextWindow"),
    maxTokens = llm.getParam("maxTokens", 1),
  } = options;
  if (contextWindow === undefined) return maxInputTokens;
  return Math.min(maxInputTokens ?? Infinity, Math.max(1, contextWindow - maxTokens));
}

function withWarning(response: GenerateResponse, leftOut: number): GenerateResponse {
  if (leftOut === 0) return response;
  const warning = `The conversation was too long: ${leftOut} of its messages were left out (truncationStrategy)`;
  return { ...response, warnings: [...response.warnings, warning] };
}
