import type { GenerateResponse } from "./generate-response.ts";

/** More text of the answer. */
export interface TextDeltaPart {
  type: "text-delta";
  text: string;
}

/** The answer is complete; nothing follows. */
export interface FinishPart
  extends Pick<GenerateResponse, "finishReason" | "rawFinishReason" | "usage" | "warnings" | "timings"> {
  type: "finish";
}

/** The answer broke off; nothing follows. `stream.response` rejects with the same error. */
export interface ErrorPart {
  type: "error";
  error: unknown;
}

/** Parts of a streamed answer: any number of deltas, then exactly one `finish` or `error`. */
export type StreamPart = TextDeltaPart | FinishPart | ErrorPart;
