import { type Answer, type Answers, argumentsText } from "../../../answer/index.ts";
import type { Stamp } from "../../dialect.ts";
import { completionUsage, finishReasonOf, seconds, warningsOf } from "../completion-usage.ts";
import { chatLogprobs } from "../logprobs.ts";
import type { ChatCall } from "./read-chat.ts";

/** A whole answer of `/v1/chat/completions`. */
export function writeChat(answers: Answers, { model, n }: ChatCall, { id, at }: Stamp): object {
  return {
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: seconds(at),
    model,
    choices: answers.map(toChoice),
    usage: completionUsage(answers, n),
    ...warningsOf(answers),
  };
}

function toChoice(answer: Answer, index: number): object {
  const { text, logprobs, reasoning, toolCalls, finishReason } = answer;
  const calls = toolCalls.map((call) => ({
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: argumentsText(call) },
  }));
  const message = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  const finish_reason = finishReasonOf(finishReason);
  return { index, message, logprobs: chatLogprobs(logprobs), finish_reason };
}
