export { AbstractLLMError, type AbstractLLMErrorOptions } from "./abstract-llm-error.ts";
export { AllProvidersFailedError, CircuitOpenError, type MemberFailure } from "./chain-errors.ts";
export { FileProcessingError, ImageProcessingError } from "./file-errors.ts";
export { ModelLoadingError, ModelNotFoundError, UnsupportedModelError } from "./model-errors.ts";
export {
  AuthenticationError,
  ContentFilterError,
  GenerationError,
  ProviderAPIError,
  ProviderConnectionError,
  QuotaExceededError,
  RequestTimeoutError,
} from "./provider-errors.ts";
export { ContextWindowExceededError, InvalidParameterError, InvalidRequestError } from "./request-errors.ts";
export { MemoryExceededError, ResourceExceededError } from "./resource-errors.ts";
export {
  UnsupportedFeatureError,
  UnsupportedOperationError,
  UnsupportedProviderError,
} from "./unsupported-errors.ts";
