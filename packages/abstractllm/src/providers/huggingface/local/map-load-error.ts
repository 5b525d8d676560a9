import {
  AuthenticationError,
  ModelLoadingError,
  ModelNotFoundError,
  ProviderConnectionError,
  UnsupportedModelError,
} from "../../../errors/index.ts";

/** What went wrong with loading a model as the interface's own error; the library has only messages. */
export function mapLoadError(cause: unknown, model: string): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const options = { provider: "huggingface", cause };
  if (/could not locate file|not found locally/i.test(message)) {
    const reason = `${message}. A model needs ONNX files: https://huggingface.co/models?library=transformers.js`;
    return new ModelNotFoundError(model, { ...options, reason });
  }
  if (/unauthorized|forbidden/i.test(message)) return new AuthenticationError(message, options);
  if (/unsupported model type/i.test(message)) return new UnsupportedModelError(message, options);
  if (/fetch failed/i.test(message)) return new ProviderConnectionError(message, options);
  return new ModelLoadingError(`${model} cannot be loaded: ${message}`, { ...options, modelName: model });
}
