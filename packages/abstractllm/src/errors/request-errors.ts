import { describeValue } from "../config/describe-value.ts";
import { AbstractLLMError, type AbstractLLMErrorOptions } from "./abstract-llm-error.ts";

/** The request cannot be served as it is; changing it helps, repeating it does not. */
export class InvalidRequestError extends AbstractLLMError {
  static override readonly errorName: string = "InvalidRequestError";
  static override readonly code: string = "invalid-request";
}

/** An option has a name or a value that is not accepted. */
export class InvalidParameterError extends InvalidRequestError {
  static override readonly errorName = "InvalidParameterError";
  static override readonly code = "invalid-parameter";
  readonly parameter: string;
  /** The refused value; not enumerable, so that logging the error does not repeat it. */
  declare readonly value: unknown;

  constructor(parameter: string, value: unknown, message?: string, options: AbstractLLMErrorOptions = {}) {
    super(message ?? `Invalid value ${describeValue(value)} for parameter "${parameter}"`, options);
    this.parameter = parameter;
    Object.defineProperty(this, "value", { value, enumerable: false });
  }
}

/** Prompt and requested output do not fit the model's context. */
export class ContextWindowExceededError extends InvalidRequestError {
  static override readonly errorName = "ContextWindowExceededError";
  static override readonly code = "context-window-exceeded";
  /** Tokens the model can hold; undefined when the service did not say. */
  readonly contextWindow: number | undefined;
  /** Tokens that were asked for; undefined when the service did not say. */
  readonly contentLength: number | undefined;

  constructor(
    contextWindow: number | undefined,
    contentLength: number | undefined,
    message?: string,
    options: AbstractLLMErrorOptions = {},
  ) {
    const fallback = `Content length (${contentLength ?? "unknown"}) exceeds maximum context window (${contextWindow ?? "unknown"})`;
    super(message ?? fallback, options);
    this.contextWindow = contextWindow;
    this.contentLength = contentLength;
  }
}
