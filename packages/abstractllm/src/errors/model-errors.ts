import { AbstractLLMError, type AbstractLLMErrorOptions } from "./abstract-llm-error.ts";

/** The model exists but is of a kind that this provider cannot run. */
export class UnsupportedModelError extends AbstractLLMError {
  static override readonly errorName = "UnsupportedModelError";
  static override readonly code = "unsupported-model";
}

/** No model of that name; the message says where it was looked for. */
export class ModelNotFoundError extends AbstractLLMError {
  static override readonly errorName = "ModelNotFoundError";
  static override readonly code = "model-not-found";
  readonly modelName: string;
  readonly reason: string | undefined;
  readonly searchPath: string | undefined;

  constructor(
    modelName: string,
    options: AbstractLLMErrorOptions & { reason?: string | undefined; searchPath?: string | undefined } = {},
  ) {
    const { reason, searchPath, ...rest } = options;
    const because = reason === undefined ? "" : `: ${reason}`;
    const where = searchPath === undefined ? "" : ` (searched in: ${searchPath})`;
    super(`Model '${modelName}' not found${because}${where}`, rest);
    this.modelName = modelName;
    this.reason = reason;
    this.searchPath = searchPath;
  }
}

/** The model was found but could not be loaded. */
export class ModelLoadingError extends AbstractLLMError {
  static override readonly errorName = "ModelLoadingError";
  static override readonly code = "model-loading";
  readonly modelName: string | undefined;

  constructor(message: string, options: AbstractLLMErrorOptions & { modelName?: string | undefined } = {}) {
    const { modelName, ...rest } = options;
    super(message, rest);
    this.modelName = modelName;
  }
}
