import * as fileSystem from "node:fs/promises";
import type { HubSettings } from "./hub-settings.ts";

/** The calls on the file system that the hub makes, so that a test can fail each of them. */
export type HubFileSystem = Pick<
  typeof fileSystem,
  | "copyFile"
  | "link"
  | "lstat"
  | "mkdir"
  | "open"
  | "readdir"
  | "readFile"
  | "readlink"
  | "rename"
  | "rm"
  | "stat"
  | "statfs"
  | "symlink"
  | "unlink"
  | "utimes"
  | "writeFile"
>;

/** Bounds on waiting and trying again; each has its reason beside it. */
export interface HubLimits {
  /** Tries after the first without progress; Python's `http_get` makes as many. */
  maxRetries: number;
  /** Tries after the first when the hub cannot be reached at all: a user without a network should not wait. */
  maxUnreachableRetries: number;
  /** First delay between tries, doubled each time. */
  retryBaseMs: number;
  retryMaxMs: number;
  /** A longer `Retry-After` is an error that names it. */
  maxRetryAfterMs: number;
  /** Bytes after which a transfer counts as progressing and gets all its tries back. */
  progressBytes: number;
  /** Redirects followed for one request. */
  maxRedirects: number;
  /** Bytes of JSON accepted from the hub; the largest listings are about 20 MB (CWE-770). */
  maxListingBytes: number;
  /** Files transferred at once: more does not help one connection and hurts the hub. */
  maxConcurrentFiles: number;
  lockPollMs: number;
  /** How often the holder of a lock shows that it lives. */
  lockHeartbeatMs: number;
  /** A lock this silent belongs to nobody; far above the heartbeat, for processes that were suspended. */
  lockStaleMs: number;
  /** Least time between two progress reports for a file. */
  progressIntervalMs: number;
}

export const DEFAULT_LIMITS: HubLimits = {
  maxRetries: 5,
  maxUnreachableRetries: 2,
  retryBaseMs: 500,
  retryMaxMs: 8_000,
  maxRetryAfterMs: 60_000,
  progressBytes: 65_536,
  maxRedirects: 5,
  maxListingBytes: 64 * 2 ** 20,
  maxConcurrentFiles: 4,
  lockPollMs: 250,
  lockHeartbeatMs: 5_000,
  lockStaleMs: 60_000,
  progressIntervalMs: 100,
};

/** What every step of one hub operation shares. */
export interface HubContext {
  readonly settings: HubSettings;
  readonly limits: HubLimits;
  readonly fs: HubFileSystem;
  readonly signal: AbortSignal | undefined;
}

/** Puts a context together; tests hand in a failing file system and short limits. */
export function hubContext(
  settings: HubSettings,
  signal?: AbortSignal,
  overrides: { fs?: HubFileSystem; limits?: Partial<HubLimits> } = {},
): HubContext {
  return {
    settings,
    limits: { ...DEFAULT_LIMITS, ...overrides.limits },
    fs: overrides.fs ?? fileSystem,
    signal,
  };
}
