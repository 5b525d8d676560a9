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
  const options = { cause: error, retryAfterMs: error.retryAfterMs, ...paramOf(error) };
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

/** The option that is wrong, as fields of requests are written. */
function paramOf(error: AbstractLLMError): { param?: string } {
  return InvalidParameterError.isInstance(error) ? { param: snakeCase(error.parameter) } : {};
}

/** An option's name in snake case; what else an error may name, such as a tool's parameters, stays as it is. */
const snakeCase = (name: string): string =>
  /^[a-z]+$/i.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;

/** Native code's own words may name what is of no concern to a client. */
function messageOf(error: AbstractLLMError): string {
  if (error.details.engineCode === "native") return "The model failed while it was answering";
  if (!InvalidParameterError.isInstance(error)) return error.message;
  return error.message.replaceAll(error.parameter, snakeCase(error.parameter));
}
