import { AbstractLLMError } from "./abstract-llm-error.ts";

/** The key or token is missing, wrong or not allowed to do this. */
export class AuthenticationError extends AbstractLLMError {
  static override readonly errorName = "AuthenticationError";
  static override readonly code = "authentication";
}

/** A rate limit or a budget is used up; `retryAfterMs` says when to come back, if the service said so. */
export class QuotaExceededError extends AbstractLLMError {
  static override readonly errorName = "QuotaExceededError";
  static override readonly code = "quota-exceeded";
  static override readonly retryable = true;
}

/** The service or the hub could not be reached, or broke off. */
export class ProviderConnectionError extends AbstractLLMError {
  static override readonly errorName = "ProviderConnectionError";
  static override readonly code = "connection";
  static override readonly retryable = true;
}

/** The provider failed in a way that has no class of its own. */
export class ProviderAPIError extends AbstractLLMError {
  static override readonly errorName = "ProviderAPIError";
  static override readonly code = "provider-api";
}

/** The call took longer than its `timeout`. */
export class RequestTimeoutError extends AbstractLLMError {
  static override readonly errorName = "RequestTimeoutError";
  static override readonly code = "timeout";
  static override readonly retryable = true;
}

/** The provider refused the content. */
export class ContentFilterError extends AbstractLLMError {
  static override readonly errorName = "ContentFilterError";
  static override readonly code = "content-filter";
}

/** The model failed while it was answering. */
export class GenerationError extends AbstractLLMError {
  static override readonly errorName = "GenerationError";
  static override readonly code = "generation";
}
