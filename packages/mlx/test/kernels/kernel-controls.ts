/** The addon's switches for kernels, which only tests and benchmarks use. */
import { native } from "../../src/core/native.ts";

export type CpuLevel =
  | "scalar"
  | ("avx2" | "avx512" | "avxvnni" | "avx512vnni" | "amx")
  | ("neon" | "dotprod" | "i8mm");

interface KernelControls {
  cpuFeatures(): CpuLevel;
  cpuLevels(): CpuLevel[];
  setCpuLevel(level: CpuLevel): void;
  setThreads(count: number): void;
  getThreads(): number;
  forceStock(on: boolean): void;
  setRounding(bits: 0 | 8 | 16): void;
  hasCoarseProducts(): boolean;
}

export const controls = native as unknown as KernelControls;

/** The levels this processor has, slowest first. */
export const availableLevels = controls.cpuLevels();
