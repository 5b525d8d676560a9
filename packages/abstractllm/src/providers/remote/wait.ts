import { setTimeout } from "node:timers/promises";

/** Resolves after some milliseconds, or rejects when the signal fires. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal });
}
