import { setTimeout as sleep } from "node:timers/promises";
import { HubError } from "../errors.ts";
import type { HubContext, HubLimits } from "./hub-context.ts";

/** A failure that may pass: `error` is what to throw when the tries are used up. */
export class RetryableFailure extends Error {
  readonly error: HubError;
  /** What the server asked for. */
  readonly retryAfterMs: number | undefined;
  /** No server was reached at all. */
  readonly unreachable: boolean;

  constructor(error: HubError, options: { retryAfterMs?: number | undefined; unreachable?: boolean } = {}) {
    super(error.message, { cause: error });
    this.error = error;
    this.retryAfterMs = options.retryAfterMs;
    this.unreachable = options.unreachable ?? false;
  }
}

/** Counts the tries of one operation and waits between them. */
export class RetryBudget {
  readonly #context: HubContext;
  #retries = 0;

  constructor(context: HubContext) {
    this.#context = context;
  }

  /** Gives all tries back, once the operation has moved on. */
  refill(): void {
    this.#retries = 0;
  }

  /** Waits for the next try. @throws the failure's error when there is none left, and anything not retryable */
  async wait(failure: unknown): Promise<void> {
    if (!(failure instanceof RetryableFailure)) throw failure;
    const { limits, signal } = this.#context;
    const most = failure.unreachable ? limits.maxUnreachableRetries : limits.maxRetries;
    if (this.#retries >= most) throw failure.error;
    const delayMs = retryDelayMs(this.#retries, failure.retryAfterMs, limits);
    this.#retries += 1;
    await pause(delayMs, signal);
  }
}

/** Runs `task` until it succeeds, fails for good, or the tries are used up. */
export async function withRetries<T>(context: HubContext, task: () => Promise<T>): Promise<T> {
  const budget = new RetryBudget(context);
  for (;;) {
    try {
      return await task();
    } catch (failure) {
      await budget.wait(failure);
    }
  }
}

/** Doubling delays with a quarter of jitter downwards; a server's wish is honoured when it is longer. */
export function retryDelayMs(
  retries: number,
  retryAfterMs: number | undefined,
  limits: Pick<HubLimits, "retryBaseMs" | "retryMaxMs">,
  random: () => number = Math.random,
): number {
  const backoff = Math.min(limits.retryBaseMs * 2 ** retries, limits.retryMaxMs);
  return Math.max(backoff * (1 - random() / 4), retryAfterMs ?? 0);
}

/** Milliseconds a `Retry-After` header asks for, in seconds or as a date; undefined when it says nothing. */
export function parseRetryAfter(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Sleeps. @throws {HubError} `aborted` when the signal fires */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch {
    throwIfAborted(signal);
  }
}

/** @throws {HubError} `aborted` when the signal has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  if (signal.reason instanceof HubError) throw signal.reason;
  throw new HubError(
    "aborted",
    "The hub operation was aborted. What was downloaded so far is kept for next time.",
    {
      cause: signal.reason,
    },
  );
}
