import {
  AbstractLLMError,
  AllProvidersFailedError,
  AuthenticationError,
  CircuitOpenError,
  ContentFilterError,
  ContextWindowExceededError,
  FileProcessingError,
  ImageProcessingError,
  InvalidParameterError,
  InvalidRequestError,
  MemoryExceededError,
  ModelLoadingError,
  ModelNotFoundError,
  ProviderAPIError,
  ProviderConnectionError,
  QuotaExceededError,
  RequestTimeoutError,
  UnsupportedFeatureError,
  UnsupportedModelError,
} from "abstractllm";
import { type ProblemKind, RequestProblem } from "./request-problem.ts";

/** Of models that the server says it has: their files and where they lie are no client's business. */
const OWN_MODELS = [ModelNotFoundError, ModelLoadingError, UnsupportedModelError];

/** What the client is told of each class; the first that fits. Others are this server's own affair. */
const KINDS: readonly (readonly [{ isInstance(error: unknown): boolean }, ProblemKind])[] = [
  [ContextWindowExceededError, "context-length"],
  [InvalidRequestError, "invalid"],
  [UnsupportedFeatureError, "invalid"],
  [ImageProcessingError, "invalid"],
  [FileProcessingError, "invalid"],
  [ContentFilterError, "invalid"],
  [QuotaExceededError, "rate-limit"],
  [MemoryExceededError, "overloaded"],
  [CircuitOpenError, "overloaded"],
  [RequestTimeoutError, "timeout"],
  [ProviderConnectionError, "upstream"],
  [ProviderAPIError, "upstream"],
  [AllProvidersFailedError, "upstream"],
];

/** An error as the client may see it: the message of a mistake of its own, and no more than a word of the others. */
export function toProblem(error: unknown): RequestProblem {
  if (error instanceof RequestProblem) return error;
  if (!AbstractLLMError.isInstance(error)) {
    return new RequestProblem("server", "The server failed; its log says why", { cause: error });
  }
  const param = InvalidParameterError.isInstance(error) ? { param: error.parameter } : {};
  const options = { cause: error, retryAfterMs: error.retryAfterMs, ...param };
  if (AuthenticationError.isInstance(error)) {
    // the server's key, not the client's
    const message = "The model's provider refused the key that this server has for it";
    return new RequestProblem("upstream", message, options);
  }
  if (OWN_MODELS.some((errorClass) => errorClass.isInstance(error))) {
    return new RequestProblem("server", "The model could not be loaded; the server's log says why", options);
  }
  const kind = KINDS.find(([errorClass]) => errorClass.isInstance(error))?.[1] ?? "server";
  return new RequestProblem(kind, messageOf(error), options);
}

/** Native code's own words may name what is of no concern to a client. */
function messageOf(error: AbstractLLMError): string {
  return error.details.engineCode === "native" ? "The model failed while it was answering" : error.message;
}
