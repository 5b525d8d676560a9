/** How much of the processors this benchmark and everybody else use. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

const TICK_MS = 10; // USER_HZ is 100 on every Linux that Node runs on

interface Sample {
  busyMs: number;
  totalMs: number;
  /** Of this process and the children it has waited for; undefined outside Linux. */
  ownMs: number | undefined;
}

const ownMs = (): number | undefined => {
  if (process.platform !== "linux") return undefined;
  const stat = readFileSync("/proc/self/stat", "utf8");
  // the name in parentheses may hold spaces; utime, stime, cutime and cstime are fields 14 to 17 of proc(5)
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
};

const sample = (): Sample => {
  let busyMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    busyMs += busy;
    totalMs += busy + times.idle;
  }
  return { busyMs, totalMs, ownMs: ownMs() };
};

/**
 * Starts watching; the function it returns gives the share of all processors, 0 to 1, that other programs used since,
 * or undefined where the system does not tell. Children count as ours once they have ended.
 */
export const watchOthers = (): (() => number | undefined) => {
  const start = sample();
  return () => {
    const end = sample();
    if (start.ownMs === undefined || end.ownMs === undefined) return undefined;
    const others = end.busyMs - start.busyMs - (end.ownMs - start.ownMs);
    return Math.min(1, Math.max(0, others / (end.totalMs - start.totalMs)));
  };
};

/** Share of all processors in use over the next while, 0 to 1. */
export const processorUse = async (durationMs: number): Promise<number> => {
  const start = sample();
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const end = sample();
  return (end.busyMs - start.busyMs) / (end.totalMs - start.totalMs);
};
