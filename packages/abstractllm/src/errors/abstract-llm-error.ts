/** Names of the class and its ancestors, so that errors are recognised across copies of this package. */
const LINEAGE = Symbol.for("abstractllm.error");

/** What every error of AbstractLLM may be given besides its message. */
export interface AbstractLLMErrorOptions {
  /** The provider that failed, such as `"mlx"`; it leads the message. */
  provider?: string | undefined;
  /** The error underneath. */
  cause?: unknown;
  /** Machine-readable facts. Never credentials, prompts or bodies. */
  details?: Readonly<Record<string, unknown>> | undefined;
  /** Whether the same call may succeed later. The default depends on the class. */
  retryable?: boolean | undefined;
  /** How long the service asked to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The service's name for the failed request. */
  requestId?: string | undefined;
}

/**
 * Base class of every error that AbstractLLM throws.
 *
 * `code` is stable for programs, `message` is for people. Test with `isInstance`, which works across duplicate
 * copies of the package where `instanceof` does not.
 */
export class AbstractLLMError extends Error {
  /** The class's name, kept apart from `Function.name` so that minified code keeps its identity. */
  static readonly errorName: string = "AbstractLLMError";
  /** Default of `code`. */
  static readonly code: string = "abstractllm";
  /** Default of `retryable`. */
  static readonly retryable: boolean = false;

  readonly code: string;
  readonly retryable: boolean;
  readonly provider: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;

  constructor(message: string, options: AbstractLLMErrorOptions = {}) {
    const text = options.provider === undefined ? message : `[${options.provider}] ${message}`;
    super(text, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.errorName;
    this.code = new.target.code;
    this.retryable = options.retryable ?? new.target.retryable;
    this.provider = options.provider;
    this.details = options.details ?? {};
    this.retryAfterMs = options.retryAfterMs;
    this.requestId = options.requestId;
    Object.defineProperty(this, LINEAGE, { value: lineage(new.target) });
  }

  /** True for errors of this class and its subclasses, also from another copy of the package. */
  static isInstance<E extends AbstractLLMError>(
    this: { readonly errorName: string; readonly prototype: E },
    error: unknown,
  ): error is E {
    if (typeof error !== "object" || error === null) return false;
    const names = (error as Record<symbol, unknown>)[LINEAGE];
    // biome-ignore lint/complexity/noThisInStatic: each subclass asks for its own name
    return Array.isArray(names) && names.includes(this.errorName);
  }
}

function lineage(errorClass: typeof AbstractLLMError): readonly string[] {
  const names: string[] = [];
  let current: typeof AbstractLLMError = errorClass;
  while (current.errorName !== undefined) {
    names.push(current.errorName);
    current = Object.getPrototypeOf(current);
  }
  return names;
}
