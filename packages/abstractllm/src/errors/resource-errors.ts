import { AbstractLLMError, type AbstractLLMErrorOptions } from "./abstract-llm-error.ts";

/** A limit of this machine or of the account is reached. */
export class ResourceExceededError extends AbstractLLMError {
  static override readonly errorName: string = "ResourceExceededError";
  static override readonly code: string = "resource-exceeded";
}

/** The model or the request does not fit into memory. */
export class MemoryExceededError extends ResourceExceededError {
  static override readonly errorName = "MemoryExceededError";
  static override readonly code = "memory-exceeded";
  /** Bytes needed, where known. */
  readonly requiredMemory: number | undefined;
  /** Bytes available when it was decided, where known. */
  readonly availableMemory: number | undefined;

  constructor(
    message: string,
    options: AbstractLLMErrorOptions & {
      requiredMemory?: number | undefined;
      availableMemory?: number | undefined;
    } = {},
  ) {
    const { requiredMemory, availableMemory, ...rest } = options;
    super(message, rest);
    this.requiredMemory = requiredMemory;
    this.availableMemory = availableMemory;
  }
}
