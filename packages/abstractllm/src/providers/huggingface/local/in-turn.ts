let last: Promise<unknown> = Promise.resolve();

/** Does work after all that came before: models of this library share one source of random numbers, and the CPU. */
export function inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const turn = last.then(() => {
    signal.throwIfAborted();
    return work();
  });
  last = turn.catch(() => {});
  return turn;
}
