import { type Answer, argumentsText } from "../../../answer/index.ts";
import type { Stamp } from "../../dialect.ts";
import { completionUsage, finishReasonOf, seconds, warningsOf } from "../completion-usage.ts";
import type { ChatCall } from "./read-chat.ts";

/** A whole answer of `/v1/chat/completions`. */
export function writeChat(answer: Answer, { model }: ChatCall, { id, at }: Stamp): object {
  const { text, reasoning, toolCalls, finishReason } = answer;
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
  return {
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: seconds(at),
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasonOf(finishReason) }],
    usage: completionUsage(answer.usage),
    ...warningsOf(answer),
  };
}
