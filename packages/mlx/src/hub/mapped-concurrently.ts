/**
 * Runs `task` over all items, at most `limit` at once. The first failure aborts the signal the others were given, and
 * is thrown when all of them have come to rest.
 */
export async function mappedConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  parent: AbortSignal | undefined,
  task: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(parent?.reason);
  if (parent?.aborted) onAbort();
  parent?.addEventListener("abort", onAbort, { once: true });
  const results: R[] = [];
  const failures: unknown[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return;
      try {
        results[index] = await task(item, controller.signal);
      } catch (error) {
        failures.push(error);
        controller.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  parent?.removeEventListener("abort", onAbort);
  if (failures.length > 0) throw failures[0];
  return results;
}
