import type { GenerateOptions, Prompt } from "abstractllm";

/** What a request of any dialect asks for. */
export interface Call {
  /** The model as the client calls it. */
  readonly model: string;
  readonly prompt: Prompt;
  readonly options: Omit<GenerateOptions, "stream" | "signal">;
  /** The answer is sent as it is written. */
  readonly isStreamed: boolean;
  /** At most one tool call is wanted, whatever the model writes. */
  readonly isSingleCall: boolean;
  /** What is done differently from what was asked. */
  readonly notes: readonly string[];
}
