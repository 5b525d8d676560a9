/** The error hierarchy of the engine. Providers map it to their own by `code`. */

const BRAND = Symbol.for("abstractllm.mlx.error");

/** What went wrong, stable across releases; `message` is for people, `code` for programs. */
export type MlxErrorCode =
  | "invalid-argument" // a value, shape or dtype an operation cannot take
  | "native" // libmlx or the grammar engine failed at its work
  | "out-of-memory" // the allocation does not fit
  | "unavailable" // no libmlx, no addon or no such device here
  | "disposed" // used after dispose
  | "weights" // a weight file is damaged, hostile or does not fit the model
  | "config" // config.json misses a key or has a value we cannot honour
  | "unsupported-architecture" // model_type is not registered
  | "tokenizer" // tokenizer files are missing or damaged
  | "template" // the chat template failed or ran over its limits
  | "image" // an image is broken, too large or of a kind that cannot be read
  | "model-not-found" // no such folder, file or repository
  | "gated" // the repository needs an accepted licence or a token
  | "network" // the hub could not be reached or broke off
  | "integrity" // a download does not match its hash or size
  | "storage" // the cache folder or disk cannot be used, or is full
  | "offline" // not in the cache, and offline mode is on
  | "aborted" // the caller's AbortSignal fired
  | "context-length" // prompt plus output do not fit the model's context
  | "unsupported-feature" // asked for something this model or build cannot do
  | "engine-crashed"; // the engine's thread or process died

/** What an error tells besides its message. */
export interface MlxErrorOptions {
  cause?: unknown;
  /** Machine-readable facts: shapes, paths, limits. Never credentials or prompts. */
  details?: Readonly<Record<string, unknown>>;
}

/** Base class of every error thrown by `@abstractllm/mlx`. */
export class MlxError extends Error {
  readonly code: MlxErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: MlxErrorCode, message: string, options: MlxErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** True for errors of this package, also when two copies of it are loaded. */
  static isInstance(error: unknown): error is MlxError {
    return typeof error === "object" && error !== null && (error as Record<symbol, unknown>)[BRAND] === true;
  }
}

/** A value, shape or dtype that an operation, layer or option cannot take. */
export class InvalidArgumentError extends MlxError {
  constructor(message: string, options?: MlxErrorOptions) {
    super("invalid-argument", message, options);
  }
}

/** A weight file that is damaged, hostile or does not fit the model. */
export class WeightsError extends MlxError {
  constructor(message: string, options?: MlxErrorOptions) {
    super("weights", message, options);
  }
}

/** A model's `config.json` that misses a key or asks for what we cannot honour. */
export class ConfigError extends MlxError {
  constructor(message: string, options?: MlxErrorOptions) {
    super("config", message, options);
  }
}

/** Tokenizer files that are missing, damaged or of a kind we do not know. */
export class TokenizerError extends MlxError {
  constructor(message: string, options?: MlxErrorOptions) {
    super("tokenizer", message, options);
  }
}

/** A chat template that failed, refused the conversation, or ran over its limits. */
export class TemplateError extends MlxError {
  constructor(message: string, options?: MlxErrorOptions) {
    super("template", message, options);
  }
}

/** An image that is broken, too large, or of a format or shape that cannot be used. */
export class ImageError extends MlxError {
  constructor(message: string, options?: MlxErrorOptions) {
    super("image", message, options);
  }
}

/** A hub or cache operation that failed; `code` says how. */
export class HubError extends MlxError {}
