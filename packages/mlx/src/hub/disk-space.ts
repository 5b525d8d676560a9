import { HubError } from "../errors.ts";
import type { HubContext } from "./hub-context.ts";

/**
 * Checks that a folder's disk has room, where the system can tell.
 *
 * @throws {HubError} `storage`, with both sizes
 */
export async function checkDiskSpace(
  context: HubContext,
  folder: string,
  neededBytes: number,
): Promise<void> {
  const stats = await context.fs.statfs(folder).catch(() => undefined);
  // some network file systems report no size at all
  if (stats === undefined || stats.blocks === 0) return;
  const freeBytes = stats.bavail * stats.bsize;
  if (freeBytes >= neededBytes) return;
  throw new HubError(
    "storage",
    `The download needs ${gigabytes(neededBytes)} and the disk of ${folder} has ${gigabytes(freeBytes)} left. ` +
      "Free space, remove models that are not needed, or set HF_HUB_CACHE to a folder on another disk.",
    { details: { neededBytes, freeBytes, errno: "ENOSPC" } },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
