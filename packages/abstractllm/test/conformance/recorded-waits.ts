/** The waits between attempts, in milliseconds, since they were last looked at. */
const waits: number[] = [];

/** Takes the place of the real wait: notes it and goes on at once. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  waits.push(milliseconds);
}

export function takeWaits(): number[] {
  return waits.splice(0);
}
