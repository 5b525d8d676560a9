import { GenerationError, type Usage, type Written } from "abstractllm";
import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";

/**
 * The answer where a schema's was cut off: clients know a reason for that and expect what there is, as services send it.
 *
 * @param error - what ended the stream
 * @param written - what there is of it
 * @returns undefined for other errors
 */
export function cutOffAnswer(
  error: unknown,
  { text, reasoning }: Written,
  { notes }: Call,
): Answer | undefined {
  if (!GenerationError.isInstance(error) || error.details.finishReason !== "length") return undefined;
  return {
    text,
    logprobs: undefined,
    promptLogprobs: undefined,
    reasoning,
    toolCalls: [],
    finishReason: "length",
    usage: error.details.usage as Usage, // always there with a reason
    timings: undefined,
    warnings: [...notes, error.message],
    providerData: undefined,
  };
}
