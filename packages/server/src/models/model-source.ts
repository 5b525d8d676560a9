import type { AbstractLLM, LLMConfigInput, ProviderName } from "abstractllm";

/** A provider and what `createLLM` takes for it. */
export type ModelConfig = LLMConfigInput & {
  /** Name of the provider, such as `"mlx"`. */
  readonly provider: ProviderName;
};

/** A model to serve: opened already, or opened when it is first asked for. */
export type ModelSource = AbstractLLM | ModelConfig;

/** Whether it is opened already, which leaves closing it to whoever opened it. */
export function isOpen(source: ModelSource): source is AbstractLLM {
  return "stream" in source && typeof source.stream === "function";
}
