import { RequestTimeoutError } from "../errors/index.ts";
import { abortable } from "./abortable.ts";

/** What can end a call before its answer does. */
export interface CallLimits {
  /** Signals of the caller and of the stream. */
  signals: readonly (AbortSignal | undefined)[];
  timeoutMs: number | undefined;
  provider?: string | undefined;
  /** What the message of a timeout names. Default "The call". */
  subject?: string | undefined;
}

/**
 * Runs work under one signal that follows several others and a time limit.
 *
 * Listeners and timer are gone when the work is: a signal that outlives thousands of calls gathers nothing.
 *
 * @throws {RequestTimeoutError} when the time is up; else what the work throws, or the reason of the abort
 */
export async function withCallSignal<T>(
  limits: CallLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const cleanups: (() => void)[] = [];
  for (const signal of limits.signals) {
    if (signal === undefined) continue;
    const follow = () => controller.abort(signal.reason);
    if (signal.aborted) follow();
    signal.addEventListener("abort", follow, { once: true });
    cleanups.push(() => signal.removeEventListener("abort", follow));
  }
  const { timeoutMs, provider, subject = "The call" } = limits;
  if (timeoutMs !== undefined) {
    const message = `${subject} took longer than its timeout of ${timeoutMs} ms`;
    const timer = setTimeout(
      () => controller.abort(new RequestTimeoutError(message, { provider })),
      timeoutMs,
    );
    cleanups.push(() => clearTimeout(timer));
  }
  try {
    controller.signal.throwIfAborted();
    // what cannot stop at once, such as a chunk of a prompt, does not keep the caller waiting
    return await abortable(work(controller.signal), controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const cleanup of cleanups) cleanup();
  }
}
