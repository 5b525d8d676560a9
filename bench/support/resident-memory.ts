/** Memory of this process that lies in RAM, as Linux counts it. */
import { readFileSync, writeFileSync } from "node:fs";

export interface ResidentMemory {
  /** All of it. */
  bytes: number;
  /** What the system cannot take back: everything but pages of files. */
  anonymousBytes: number;
}

const SAMPLE_MS = 2;

const statusBytes = (status: string, name: string): number =>
  1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);

const readStatus = (): string => readFileSync("/proc/self/status", "utf8");

export const residentMemory = (): ResidentMemory => {
  const status = readStatus();
  return { bytes: statusBytes(status, "VmRSS"), anonymousBytes: statusBytes(status, "RssAnon") };
};

/**
 * Starts watching; the function it returns gives the peaks since. That of all memory is the system's own. It keeps none
 * of anonymous memory, which is sampled every 2 ms while this thread is free. One at a time: the next one forgets this.
 */
export const watchPeak = (): (() => ResidentMemory) => {
  writeFileSync("/proc/self/clear_refs", "5"); // the peak begins at what is resident now: proc(5)
  let anonymousBytes = residentMemory().anonymousBytes;
  const sample = (): void => {
    anonymousBytes = Math.max(anonymousBytes, residentMemory().anonymousBytes);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    sample();
    return { bytes: statusBytes(readStatus(), "VmHWM"), anonymousBytes };
  };
};
