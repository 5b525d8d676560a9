import {
  APICallError,
  InvalidArgumentError,
  InvalidPromptError,
  LoadAPIKeyError,
  NoSuchModelError,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import {
  AbstractLLMError,
  AuthenticationError,
  FileProcessingError,
  ImageProcessingError,
  InvalidParameterError,
  ModelNotFoundError,
  UnsupportedFeatureError,
} from "abstractllm";
import { sdkName } from "../call/sdk-name.ts";

/** Of files in a prompt. */
const UNREADABLE = [FileProcessingError, ImageProcessingError];

/** Which model failed. */
export interface FailedModel {
  readonly modelId: string;
  readonly modelType: "languageModel" | "embeddingModel" | "rerankingModel";
  /** Address of its service; undefined for one that runs in this process. */
  readonly url: string | undefined;
}

/**
 * An error of the library as the AI SDK's, with the library's as its `cause`; anything else, such as the reason of an
 * abort, comes back as it is. What may succeed later is an `APICallError` that says so, and how long to wait.
 */
export function toAISDKError(error: unknown, model: FailedModel): unknown {
  if (!AbstractLLMError.isInstance(error)) return error;
  return withCause(convert(error, model), error);
}

function convert(error: AbstractLLMError, model: FailedModel): Error {
  const { message } = error;
  if (InvalidParameterError.isInstance(error)) {
    return new InvalidArgumentError({ argument: sdkName(error.parameter), message, cause: error });
  }
  if (UnsupportedFeatureError.isInstance(error)) {
    return new UnsupportedFunctionalityError({ functionality: error.feature, message });
  }
  if (ModelNotFoundError.isInstance(error)) return new NoSuchModelError({ ...model, message });
  if (UNREADABLE.some((errorClass) => errorClass.isInstance(error))) {
    return new InvalidPromptError({ prompt: undefined, message, cause: error }); // errors hold no prompts
  }
  const status = statusOf(error);
  if (status === undefined && AuthenticationError.isInstance(error)) return new LoadAPIKeyError({ message });
  return new APICallError({
    message,
    url: model.url ?? `abstractllm:${model.modelId}`,
    requestBodyValues: {},
    ...(status === undefined ? {} : { statusCode: status }),
    ...headersOf(error),
    isRetryable: error.retryable,
    data: { code: error.code, ...error.details },
    cause: error,
  });
}

function statusOf({ details }: AbstractLLMError): number | undefined {
  return typeof details.status === "number" ? details.status : undefined;
}

/** The AI SDK reads from headers how long it has to wait. */
function headersOf({ retryAfterMs, requestId }: AbstractLLMError) {
  const headers = {
    ...(retryAfterMs === undefined ? {} : { "retry-after-ms": String(retryAfterMs) }),
    ...(requestId === undefined ? {} : { "x-request-id": requestId }),
  };
  return Object.keys(headers).length === 0 ? {} : { responseHeaders: headers };
}

/** Some of the AI SDK's classes take no cause. */
function withCause(error: Error, cause: AbstractLLMError): Error {
  return Object.defineProperty(error, "cause", { value: cause, enumerable: false, configurable: true });
}
