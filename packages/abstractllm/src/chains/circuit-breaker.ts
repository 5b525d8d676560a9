import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import { CircuitOpenError } from "../errors/index.ts";

/** Lets calls through, lets none through, or lets a few through to see whether they succeed. */
export type CircuitState = "closed" | "open" | "half-open";

/** When a circuit breaker opens and closes. */
export interface CircuitBreakerOptions {
  /** Failures in a row that open it. Default 5. */
  failureThreshold?: number | undefined;
  /** Milliseconds until calls are tried again. Default 60,000. */
  recoveryTimeoutMs?: number | undefined;
  /** Most calls at once while it tries. Default 1. */
  halfOpenMaxCalls?: number | undefined;
  /** Called after each change of state. */
  onStateChange?: ((from: CircuitState, to: CircuitState) => void) | undefined;
}

const OPTIONS: Readonly<Record<keyof CircuitBreakerOptions, check.Check>> = {
  failureThreshold: check.integer({ min: 1 }),
  recoveryTimeoutMs: check.integer({ min: 1 }),
  halfOpenMaxCalls: check.integer({ min: 1 }),
  onStateChange: check.callback,
};

/** Keeps calls from a service that fails, and lets it be tried again after a while. */
export class CircuitBreaker {
  readonly #failureThreshold: number;
  readonly #recoveryTimeoutMs: number;
  readonly #halfOpenMaxCalls: number;
  readonly #onStateChange: CircuitBreakerOptions["onStateChange"];
  readonly #now: () => number;
  #state: CircuitState = "closed";
  #failures = 0;
  #openedAt = 0;
  #trials = 0;

  /**
   * @param now - milliseconds of a clock that never goes back
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   */
  constructor(options: CircuitBreakerOptions = {}, now: () => number = () => performance.now()) {
    const own = checkOwnOptions(options, OPTIONS);
    const { failureThreshold = 5, recoveryTimeoutMs = 60_000, halfOpenMaxCalls = 1 } = own;
    this.#failureThreshold = failureThreshold;
    this.#recoveryTimeoutMs = recoveryTimeoutMs;
    this.#halfOpenMaxCalls = halfOpenMaxCalls;
    this.#onStateChange = own.onStateChange;
    this.#now = now;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /**
   * Does some work, unless too much of it has failed lately.
   *
   * @param isFailure - whether an error speaks against the service; others, such as an abort, count neither way
   * @throws {CircuitOpenError} when the work is not let through
   */
  async run<T>(work: () => Promise<T>, isFailure: (error: unknown) => boolean): Promise<T> {
    this.#enter();
    const isTrial = this.#state === "half-open";
    if (isTrial) this.#trials++;
    try {
      const result = await work();
      this.#succeed(isTrial);
      return result;
    } catch (error) {
      if (isFailure(error)) this.#fail(isTrial);
      throw error;
    } finally {
      if (isTrial) this.#trials--;
    }
  }

  #enter(): void {
    const waitMs = this.#openedAt + this.#recoveryTimeoutMs - this.#now();
    if (this.#state === "open" && waitMs <= 0) this.#change("half-open");
    const isFull = this.#state === "half-open" && this.#trials >= this.#halfOpenMaxCalls;
    if (this.#state !== "open" && !isFull) return;
    const message = `Too many calls failed; none is let through ${isFull ? "while another one tries" : `for ${Math.ceil(waitMs)} ms`}`;
    throw new CircuitOpenError(message, isFull ? {} : { retryAfterMs: Math.ceil(waitMs) });
  }

  /** Calls that began before the circuit opened say nothing about the service now. */
  #succeed(isTrial: boolean): void {
    if (this.#state === "closed") this.#failures = 0;
    if (isTrial && this.#state === "half-open") this.#change("closed");
  }

  #fail(isTrial: boolean): void {
    if (isTrial ? this.#state !== "half-open" : this.#state !== "closed") return;
    if (!isTrial && ++this.#failures < this.#failureThreshold) return;
    this.#openedAt = this.#now();
    this.#change("open");
  }

  #change(to: CircuitState): void {
    const from = this.#state;
    this.#state = to;
    this.#failures = 0;
    this.#onStateChange?.(from, to);
  }
}
