import type { AbstractLLM, LLMConfig } from "../../src/index.ts";

/** A provider under test, with a model that answers. */
export interface Subject {
  readonly provider: string;
  /** Opens an LLM; greedy and short unless `config` says otherwise. */
  open(config?: LLMConfig): Promise<AbstractLLM>;
}
