import type { AbstractLLM, GenerateOptions, LLMConfig } from "../../src/index.ts";

/** What a provider may lack; the table then says what comes instead. */
export type Lack = "timings" | "loading" | "token counting" | "seed";

/** A provider under test, with a model that answers. */
export interface Subject {
  readonly provider: string;
  /** Opens an LLM; greedy and short unless `config` says otherwise. */
  open(config?: LLMConfig): Promise<AbstractLLM>;
  /** Options with which a prompt and a conversation of one message are the same. */
  readonly templated: Omit<GenerateOptions, "stream">;
  /** Options with which an answer goes on to `maxTokens`, and takes a while to get to 500. */
  readonly endless: Omit<GenerateOptions, "stream">;
  readonly lacks: ReadonlySet<Lack>;
}
