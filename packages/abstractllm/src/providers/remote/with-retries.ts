import { AbstractLLMError } from "../../errors/index.ts";
import { wait } from "./wait.ts";

/** Failed requests are repeated this often unless the user says otherwise. */
export const DEFAULT_MAX_RETRIES = 2;

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 8_000;
/** Who is asked to wait longer is told so instead of kept waiting. */
const MAX_ASKED_DELAY_MS = 60_000;

/** When a failed attempt is repeated. */
export interface RetryPolicy {
  readonly maxRetries: number;
  readonly signal: AbortSignal;
  /** Asked after a failure: false once something of the answer has been handed out. */
  mayRepeat(): boolean;
}

/**
 * Repeats an attempt that failed in a way that may pass.
 *
 * Waits as long as the service asks, else half a second, doubled each time up to 8 seconds, less a random quarter so
 * that many callers do not come back at once.
 *
 * @throws what the last attempt threw
 */
export async function withRetries<T>(policy: RetryPolicy, attempt: () => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await attempt();
    } catch (error) {
      const delayMs = delayBefore(retries, error);
      if (retries >= policy.maxRetries || delayMs === undefined || !policy.mayRepeat()) throw error;
      await wait(delayMs, policy.signal);
    }
  }
}

/** Undefined where repeating does not help. */
function delayBefore(retries: number, error: unknown): number | undefined {
  if (!AbstractLLMError.isInstance(error) || !error.retryable) return undefined;
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) return retryAfterMs > MAX_ASKED_DELAY_MS ? undefined : retryAfterMs;
  const delayMs = Math.min(FIRST_DELAY_MS * 2 ** retries, MAX_DELAY_MS);
  return delayMs * (1 - Math.random() / 4);
}
