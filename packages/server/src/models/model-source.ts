import { type AbstractLLM, InvalidParameterError, type LLMConfigInput, type ProviderName } from "abstractllm";
import { kindOf, nonEmptyText, object } from "../fields/index.ts";

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

/**
 * Checks what a model is made of, as far as nothing needs to be opened for that.
 *
 * @param option - named in errors
 * @throws {InvalidParameterError}
 */
export function checkModel(source: unknown, option: string): void {
  if (object.accepts(source)) {
    if (typeof source.stream === "function" || nonEmptyText.accepts(source.provider)) return;
  }
  const received =
    source instanceof Promise
      ? "a promise; await it first"
      : object.accepts(source)
        ? "neither"
        : kindOf(source);
  const message = `Expected an LLM, or { provider, model, … }, for ${option} but received ${received}`;
  throw new InvalidParameterError(option, undefined, message);
}
