import type { Usage } from "abstractllm";
import type { Answer } from "../../../answer/index.ts";
import type { Stamp } from "../../dialect.ts";
import { sealData } from "../../kept-data.ts";
import { seconds, warningsOf } from "../completion-usage.ts";
import { callItem, type ItemStatus, messageItem, type OutputItem, reasoningItem } from "./output-items.ts";
import type { ResponsesCall } from "./read-responses.ts";

const CUT: Readonly<Partial<Record<Answer["finishReason"], string>>> = {
  length: "max_output_tokens",
  "content-filter": "content_filter",
};

/** What a response has from its first event on. */
export function responseHead({ model, echo }: ResponsesCall, { id, at }: Stamp) {
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: seconds(at),
    model,
    status: "in_progress",
    background: false,
    error: null,
    incomplete_details: null,
    truncation: "disabled",
    output: [],
    usage: null,
    ...echo,
  };
}

/** How far the item got that an answer ended with. */
export const lastStatus = ({ finishReason }: Answer): ItemStatus =>
  CUT[finishReason] === undefined ? "completed" : "incomplete";

/** A response that is complete. */
export function finishedResponse(
  head: ReturnType<typeof responseHead>,
  answer: Answer,
  output: readonly OutputItem[],
) {
  const cut = CUT[answer.finishReason];
  return {
    ...head,
    status: lastStatus(answer),
    incomplete_details: cut === undefined ? null : { reason: cut },
    output,
    usage: usageOf(answer.usage),
    ...warningsOf([answer]),
  };
}

/** The text that has the model see again what it needs; undefined where it needs nothing. */
export function encryptedContent({ providerData }: Answer): string | undefined {
  return providerData === undefined ? undefined : sealData(providerData);
}

/** A whole answer of `/v1/responses`, which is kept where it is to be. */
export function writeResponse(answer: Answer, call: ResponsesCall, stamp: Stamp): object {
  const { text, logprobs, reasoning, toolCalls } = answer;
  const status = lastStatus(answer); // no tool calls are there but where it is complete
  const sealed = encryptedContent(answer);
  const output = [
    ...(reasoning === ""
      ? []
      : [reasoningItem(`rs_${stamp.id}`, reasoning, text === "" ? status : "completed")]),
    ...(text === "" ? [] : [messageItem(`msg_${stamp.id}`, text, status, logprobs)]),
    ...toolCalls.map((toolCall, index) => callItem(`fc_${stamp.id}_${index}`, toolCall)),
    ...(sealed === undefined ? [] : [reasoningItem(`rs_${stamp.id}_kept`, "", "completed", sealed)]),
  ];
  const response = finishedResponse(responseHead(call, stamp), answer, output);
  call.keep(response, stamp.id);
  return response;
}

function usageOf({ inputTokens, cachedInputTokens, outputTokens, reasoningTokens, totalTokens }: Usage) {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedInputTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: totalTokens,
  };
}
