import { type CacheSnapshot, refuseSnapshot } from "./cache-snapshot.ts";
import type { LayerCache } from "./layer-cache.ts";

/** Snapshots of all these caches, or undefined when one has none. */
export const snapshotAll = (caches: readonly LayerCache[]): CacheSnapshot[] | undefined => {
  const snapshots = caches.map((cache) => cache.snapshot?.());
  return snapshots.every((snapshot) => snapshot !== undefined) ? snapshots : undefined;
};

/** Restores each of these caches. @throws {InvalidArgumentError} when the snapshots are not of such caches */
export const restoreAll = (caches: readonly LayerCache[], snapshots: readonly CacheSnapshot[]): void => {
  const isRestorable = caches.every(({ restore }) => restore !== undefined);
  if (snapshots.length !== caches.length || !isRestorable) refuseSnapshot();
  for (const [i, snapshot] of snapshots.entries()) caches[i]?.restore?.(snapshot);
};
