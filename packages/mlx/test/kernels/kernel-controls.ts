/** The addon's switches for kernels, which only tests and benchmarks use. */
import { native } from "../../src/core/native.ts";

const levelsByProcessor = {
  arm64: ["scalar", "neon", "dotprod", "i8mm"],
  x64: ["scalar", "avx2", "avx512", "avx512vnni"],
} as const;
export type CpuLevel = (typeof levelsByProcessor)["arm64" | "x64"][number];

const cpuLevels: readonly CpuLevel[] = levelsByProcessor[process.arch === "arm64" ? "arm64" : "x64"];

interface KernelControls {
  cpuFeatures(): CpuLevel;
  setCpuLevel(level: CpuLevel): void;
  setThreads(count: number): void;
  getThreads(): number;
  forceStock(on: boolean): void;
  setRounding(bits: 0 | 8 | 16): void;
  hasCoarseProducts(): boolean;
}

export const controls = native as unknown as KernelControls;

/** The levels this processor has, lowest first. */
export const availableLevels = cpuLevels.slice(0, cpuLevels.indexOf(controls.cpuFeatures()) + 1);
