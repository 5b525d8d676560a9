/** What an interrupted command ends with. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Runs work that Ctrl-C or SIGTERM stops: the first aborts its signal, the second ends the process.
 *
 * @throws {Interrupted} when it was stopped
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interrupted("Interrupted"));
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}
