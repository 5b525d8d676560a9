import type { GenerateResponse } from "../interface/generate-response.ts";
import type { LLMStream } from "../interface/llm-stream.ts";
import type { DeltaPart } from "../interface/stream-part.ts";

/** Hands on the parts of a stream up to its end, and gives its response. */
export async function forwardParts(
  stream: LLMStream,
  emit: (part: DeltaPart) => void,
): Promise<GenerateResponse> {
  for await (const part of stream) {
    if (part.type !== "finish" && part.type !== "error") emit(part);
  }
  return stream.response;
}
