import { readFile } from "node:fs/promises";

/** Where Linux says what this container may use: limit, use, and statistics of the use (cgroup v2). */
const CGROUP = "/sys/fs/cgroup";

/**
 * Bytes of main memory that this process may still take; undefined where the system does not say.
 *
 * File pages count as free: the system drops them when it needs the memory, and weights are such pages themselves.
 */
export async function availableMemory(): Promise<number | undefined> {
  if (process.platform !== "linux") return process.availableMemory() || undefined;
  const machine = field(await readText("/proc/meminfo"), /^MemAvailable:\s+(\d+) kB/m);
  const container = await containerMemory();
  const known = [machine === undefined ? undefined : machine * 1024, container].filter(
    (size) => size !== undefined,
  );
  return known.length === 0 ? undefined : Math.min(...known);
}

async function containerMemory(): Promise<number | undefined> {
  const [limit, used, statistics] = await Promise.all(
    ["memory.max", "memory.current", "memory.stat"].map((name) => readText(`${CGROUP}/${name}`)),
  );
  const limitBytes = field(limit, /^(\d+)/); // "max" is no limit
  const usedBytes = field(used, /^(\d+)/);
  if (limitBytes === undefined || usedBytes === undefined) return undefined;
  const filePages =
    (field(statistics, /^inactive_file (\d+)/m) ?? 0) + (field(statistics, /^active_file (\d+)/m) ?? 0);
  return Math.max(0, limitBytes - usedBytes + filePages);
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

function field(text: string | undefined, pattern: RegExp): number | undefined {
  const digits = text === undefined ? undefined : pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
