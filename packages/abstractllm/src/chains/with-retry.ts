import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import { type Attempt, DelegatingLLM, type Work } from "../delegate/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { checkLLM } from "../interface/check-llm.ts";
import { DEFAULT_MAX_RETRIES, withRetries } from "../providers/remote/with-retries.ts";

/** How often and with whose knowledge a call is repeated. */
export interface RetryOptions {
  /** Most times that a call is repeated. Default 2. */
  maxRetries?: number | undefined;
  /** Called before a call is repeated, after the wait. What it throws ends the call. */
  onRetry?: ((retry: { error: unknown; attempt: number }) => void) | undefined;
}

const OPTIONS: Readonly<Record<keyof RetryOptions, check.Check>> = {
  maxRetries: check.integer({ min: 0 }),
  onRetry: check.callback,
};

class RetryingLLM extends DelegatingLLM {
  readonly #options: RetryOptions;

  constructor(llm: AbstractLLM, options: RetryOptions) {
    super(llm.provider, [llm]);
    this.#options = options;
  }

  protected attempt<T>(work: Work<T>, { signal, isDelivered }: Attempt): Promise<T> {
    const { maxRetries = DEFAULT_MAX_RETRIES, onRetry } = this.#options;
    let attempts = 0;
    let failure: unknown;
    return withRetries({ maxRetries, signal, mayRepeat: () => !isDelivered() }, async () => {
      if (attempts++ > 0) onRetry?.({ error: failure, attempt: attempts });
      try {
        return await work(this.main);
      } catch (error) {
        failure = error;
        throw error;
      }
    });
  }
}

/**
 * The same LLM, with calls repeated that fail in a way that may pass (`error.retryable`), as long as nothing of the
 * answer was handed out. Waits as long as the service asks, else half a second, doubled each time up to 8 seconds, less
 * a random quarter.
 *
 * Remote providers repeat requests themselves (`maxRetries`); this is for others, and around chains.
 *
 * @throws {InvalidParameterError} for what is no LLM, or an option that is unknown or has a bad value
 */
export function withRetry(llm: AbstractLLM, options: RetryOptions = {}): AbstractLLM {
  return new RetryingLLM(checkLLM(llm), checkOwnOptions(options, OPTIONS));
}
