import { GenerationError, type StreamPart, type Usage } from "abstractllm";
import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";

/** What a model has written of its latest answer, as the parts of a stream tell. */
export class Draft {
  text = "";
  reasoning = "";

  read(part: StreamPart): void {
    if (part.type === "text-delta") this.text += part.text;
    if (part.type === "reasoning-delta") this.reasoning += part.text;
    if (part.type === "step-finish") this.text = this.reasoning = "";
  }
}

/**
 * The answer where a schema's was cut off: clients know a reason for that and expect what there is, as services send it.
 *
 * @param error - what ended the stream
 * @returns undefined for other errors
 */
export function cutOffAnswer(
  error: unknown,
  { text, reasoning }: Draft,
  { notes }: Call,
): Answer | undefined {
  if (!GenerationError.isInstance(error) || error.details.finishReason !== "length") return undefined;
  return {
    text,
    reasoning,
    toolCalls: [],
    finishReason: "length",
    usage: error.details.usage as Usage, // always there with a reason
    timings: undefined,
    warnings: [...notes, error.message],
    providerData: undefined,
  };
}
