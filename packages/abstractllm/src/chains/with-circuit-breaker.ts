import { type Attempt, DelegatingLLM, type Work } from "../delegate/index.ts";
import {
  AbstractLLMError,
  AuthenticationError,
  CircuitOpenError,
  ProviderAPIError,
} from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { checkLLM } from "../interface/check-llm.ts";
import { CircuitBreaker, type CircuitBreakerOptions } from "./circuit-breaker.ts";

class GuardedLLM extends DelegatingLLM {
  readonly #breaker: CircuitBreaker;

  constructor(llm: AbstractLLM, breaker: CircuitBreaker) {
    super(llm.provider, [llm]);
    this.#breaker = breaker;
  }

  protected attempt<T>(work: Work<T>, { signal }: Attempt): Promise<T> {
    return this.#breaker.run(
      () => work(this.main),
      (error) => !signal.aborted && speaksAgainstService(error),
    );
  }
}

/** What repeating at once does not help, and waiting may. */
const FAILURES: readonly string[] = [ProviderAPIError.code, AuthenticationError.code];

/** Failures of the service; a request that it refuses with good reason is none. */
function speaksAgainstService(error: unknown): boolean {
  if (!AbstractLLMError.isInstance(error)) return true;
  const { code, retryable } = error;
  return code !== CircuitOpenError.code && (retryable || FAILURES.includes(code));
}

/**
 * The same LLM behind a circuit breaker: after some failures in a row, calls are refused at once with
 * `CircuitOpenError` until a while has passed; then a few are tried. In a chain, the next member answers meanwhile.
 *
 * @param breaker - options, or a breaker that several LLMs of one service share
 * @throws {InvalidParameterError} for what is no LLM, or an option that is unknown or has a bad value
 */
export function withCircuitBreaker(
  llm: AbstractLLM,
  breaker: CircuitBreaker | CircuitBreakerOptions = {},
): AbstractLLM {
  const shared = breaker instanceof CircuitBreaker ? breaker : new CircuitBreaker(breaker);
  return new GuardedLLM(checkLLM(llm), shared);
}
