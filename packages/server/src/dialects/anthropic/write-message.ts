import type { FinishReason } from "abstractllm";
import type { Answer, Call } from "../../answer/index.ts";
import type { PromptUsage, Stamp } from "../dialect.ts";
import { sealData } from "../kept-data.ts";

const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  "tool-calls": "tool_use",
  "content-filter": "refusal",
  other: "end_turn",
};

/** Why an answer ended, in Anthropic's words. */
export const stopReasonOf = (reason: FinishReason): string => STOP_REASONS[reason];

/** Tokens, in Anthropic's words: what came from a cache is counted apart. */
export function messageUsage({ inputTokens, cachedInputTokens }: PromptUsage, outputTokens: number) {
  return {
    input_tokens: inputTokens - cachedInputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedInputTokens,
    output_tokens: outputTokens,
  };
}

/** What a message has from its first event on. */
export function messageHead({ model }: Call, { id }: Stamp) {
  return { id: `msg_${id}`, type: "message", role: "assistant", model, stop_sequence: null };
}

/** What the model needs to see again, in a block that clients keep without looking into it; last, as it is known last. */
export function keptBlocks(providerData: Answer["providerData"]): object[] {
  return providerData === undefined ? [] : [{ type: "redacted_thinking", data: sealData(providerData) }];
}

/** A whole answer of `/v1/messages`. */
export function writeMessage(answer: Answer, call: Call, stamp: Stamp): object {
  const { text, reasoning, toolCalls, finishReason, usage, warnings, providerData } = answer;
  const content = [
    ...(reasoning === "" ? [] : [{ type: "thinking", thinking: reasoning, signature: "" }]),
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...toolCalls.map(({ id, name, arguments: input }) => ({ type: "tool_use", id, name, input })),
    ...keptBlocks(providerData),
  ];
  return {
    ...messageHead(call, stamp),
    content,
    stop_reason: stopReasonOf(finishReason),
    usage: messageUsage(usage, usage.outputTokens),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}
