import { AbstractLLMError, type AbstractLLMErrorOptions } from "./abstract-llm-error.ts";

/** No provider of that name is registered. */
export class UnsupportedProviderError extends AbstractLLMError {
  static override readonly errorName = "UnsupportedProviderError";
  static override readonly code = "unsupported-provider";
}

/** This provider, model or machine lacks what was asked for. */
export class UnsupportedFeatureError extends AbstractLLMError {
  static override readonly errorName = "UnsupportedFeatureError";
  static override readonly code = "unsupported-feature";
  /** What is missing, such as `"vision"` or `"tool_use"`. */
  readonly feature: string;

  constructor(feature: string, message?: string, options: AbstractLLMErrorOptions = {}) {
    super(message ?? `Feature '${feature}' is not supported by this provider/model`, options);
    this.feature = feature;
  }
}

/** The object cannot do this at all, or not in its present state. */
export class UnsupportedOperationError extends AbstractLLMError {
  static override readonly errorName = "UnsupportedOperationError";
  static override readonly code = "unsupported-operation";
  readonly operation: string;
  readonly reason: string | undefined;

  constructor(operation: string, reason?: string, options: AbstractLLMErrorOptions = {}) {
    super(`Operation '${operation}' is not supported${reason === undefined ? "" : `: ${reason}`}`, options);
    this.operation = operation;
    this.reason = reason;
  }
}
