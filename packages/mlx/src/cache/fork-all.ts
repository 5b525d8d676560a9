import type { LayerCache } from "./layer-cache.ts";

/** Forks of all these caches, or undefined when one has none. */
export const forkAll = (caches: readonly LayerCache[]): LayerCache[] | undefined => {
  const forks = caches.map((cache) => cache.fork?.());
  if (forks.every((fork) => fork !== undefined)) return forks;
  for (const fork of forks) fork?.dispose();
  return undefined;
};
