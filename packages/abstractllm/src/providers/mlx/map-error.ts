import type { MlxError, MlxErrorCode } from "@abstractllm/mlx";
import {
  AbstractLLMError,
  type AbstractLLMErrorOptions,
  AuthenticationError,
  ContextWindowExceededError,
  GenerationError,
  ImageProcessingError,
  InvalidRequestError,
  MemoryExceededError,
  ModelLoadingError,
  ModelNotFoundError,
  ProviderAPIError,
  ProviderConnectionError,
  UnsupportedFeatureError,
  UnsupportedModelError,
} from "../../errors/index.ts";

interface Failure {
  message: string;
  /** The model as the user named it. */
  model: string;
  details: Readonly<Record<string, unknown>>;
  options: AbstractLLMErrorOptions;
}

type Mapping = (failure: Failure) => AbstractLLMError;

const loading: Mapping = ({ message, model, options }) =>
  new ModelLoadingError(message, { ...options, modelName: model });
const notFound: Mapping = ({ message, model, options }) =>
  new ModelNotFoundError(model, { ...options, reason: message });

/** Which class each code of the engine becomes. */
const BY_CODE: Readonly<Record<MlxErrorCode, Mapping>> = {
  "invalid-argument": ({ message, options }) => new InvalidRequestError(message, options),
  native: ({ message, options }) => new GenerationError(message, options),
  "out-of-memory": ({ message, details, options }) =>
    new MemoryExceededError(message, {
      ...options,
      requiredMemory: bytes(details.requiredBytes),
      availableMemory: bytes(details.availableBytes),
    }),
  unavailable: ({ message, options }) => new UnsupportedFeatureError("mlx", message, options),
  storage: loading,
  disposed: ({ message, options }) => new GenerationError(message, { ...options, retryable: true }),
  weights: loading,
  config: loading,
  tokenizer: loading,
  integrity: ({ message, model, options }) =>
    new ModelLoadingError(message, { ...options, modelName: model, retryable: true }),
  "unsupported-architecture": ({ message, options }) => new UnsupportedModelError(message, options),
  template: ({ message, options }) => new InvalidRequestError(message, options),
  image: ({ message, options }) => new ImageProcessingError(message, options),
  "model-not-found": notFound,
  offline: notFound,
  gated: ({ message, options }) => new AuthenticationError(message, options),
  network: ({ message, options }) => new ProviderConnectionError(message, options),
  aborted: ({ message, options }) => new GenerationError(message, options),
  "context-length": ({ message, details, options }) =>
    new ContextWindowExceededError(
      bytes(details.contextLength),
      bytes(details.contentLength),
      message,
      options,
    ),
  "unsupported-feature": ({ message, details, options }) =>
    new UnsupportedFeatureError(String(details.feature ?? "mlx"), message, options),
  "engine-crashed": ({ message, options }) => new ProviderAPIError(message, { ...options, retryable: true }),
};

/**
 * An engine error as the interface's own; anything else comes back as it is.
 *
 * @param model - the model as the user named it
 */
export function mapMlxError(error: unknown, model: string): unknown {
  if (AbstractLLMError.isInstance(error) || !isMlxError(error)) return error;
  const { message, code, details } = error;
  const options = { provider: "mlx", cause: error, details: { ...details, engineCode: code } };
  return BY_CODE[code]({ message, model, details, options });
}

/** What the engine says about a constraint that it cannot compile; undefined for other errors. */
export function constraintRefusal(error: unknown): string | undefined {
  if (!isMlxError(error)) return undefined;
  return error.details.feature === "constraint" && error.details.stage === "compile"
    ? error.message
    : undefined;
}

/** The engine marks its errors, so that they are known without importing it. */
function isMlxError(error: unknown): error is MlxError {
  return error instanceof Error && Symbol.for("abstractllm.mlx.error") in error;
}

function bytes(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
