/** The addon's switches for kernels, which only tests and benchmarks use. */
import { native } from "../../src/core/native.ts";

export type CpuLevel =
  | "scalar"
  | ("avx2" | "avx512" | "avxvnni" | "avx512vnni" | "amx")
  | ("neon" | "dotprod" | "i8mm");

interface KernelControls {
  cpuFeatures(): CpuLevel;
  cpuLevels(): CpuLevel[];
  /** `halvesWideVectors` is what the processor does by default, and true only at levels with AVX-512. */
  setCpuLevel(level: CpuLevel, halvesWideVectors?: boolean): void;
  setThreads(count: number): void;
  getThreads(): number;
  forceStock(on: boolean): void;
  setRounding(bits: 0 | 8 | 16): void;
  hasCoarseProducts(): boolean;
}

export const controls = native as unknown as KernelControls;

/** The levels this processor has, slowest first. */
export const availableLevels = controls.cpuLevels();

/** A level, and whether its vectors of 512 bits are taken to be computed in halves; a name for messages. */
export interface Kernels {
  readonly name: string;
  readonly level: CpuLevel;
  readonly halvesWideVectors: boolean;
}

const withAvx512: readonly CpuLevel[] = ["avx512", "avx512vnni", "amx"];

/** All kernels that this processor can run, whether it would choose them or not. */
export const availableKernels: readonly Kernels[] = availableLevels.flatMap((level) => {
  const whole: Kernels = { name: level, level, halvesWideVectors: false };
  const halved: Kernels = { name: `${level} in halves`, level, halvesWideVectors: true };
  return withAvx512.includes(level) ? [whole, halved] : [whole];
});

export const useKernels = ({ level, halvesWideVectors }: Kernels): void =>
  controls.setCpuLevel(level, halvesWideVectors);
