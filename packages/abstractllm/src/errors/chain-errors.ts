import { AbstractLLMError, type AbstractLLMErrorOptions } from "./abstract-llm-error.ts";

/** What one member of a chain said. */
export interface MemberFailure {
  readonly provider: string;
  readonly model: string | undefined;
  readonly error: unknown;
}

/** No member of a chain could answer; `failures` has what each said, in the order in which they were asked. */
export class AllProvidersFailedError extends AbstractLLMError {
  static override readonly errorName = "AllProvidersFailedError";
  static override readonly code = "all-providers-failed";
  readonly failures: readonly MemberFailure[];

  constructor(failures: readonly MemberFailure[], options: AbstractLLMErrorOptions = {}) {
    super(`No member of the chain could answer: ${failures.map(describe).join("; ")}`, {
      retryable: failures.some(({ error }) => AbstractLLMError.isInstance(error) && error.retryable),
      cause: failures.at(-1)?.error,
      ...options,
    });
    this.failures = failures;
  }
}

/** A circuit breaker does not let calls through, because too many failed; `retryAfterMs` says for how long. */
export class CircuitOpenError extends AbstractLLMError {
  static override readonly errorName = "CircuitOpenError";
  static override readonly code = "circuit-open";
  static override readonly retryable = true;
}

function describe({ provider, model, error }: MemberFailure): string {
  const name = model === undefined ? provider : `${provider} (${model})`;
  return `${name}: ${error instanceof Error ? error.message : String(error)}`;
}
