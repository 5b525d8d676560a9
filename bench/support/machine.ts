/** The facts without which a figure means nothing. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { detectRuntime } from "@abstractllm/mlx";

export interface Machine {
  processor: string;
  /** Logical processors this process may use. */
  processors: number;
  memoryBytes: number;
  system: string;
  node: string;
  /** What the processor offers, of the instruction sets that matter here. */
  instructionSets: string[];
  /** What the engine says it uses. */
  engine: { mlx: string; backend: string; instructionSets: string[] };
  /** One, five and fifteen minutes, before the run. */
  loadAverage: number[];
  /** Share of the processors in use just before the run, 0 to 1. */
  usedBefore: number;
  /** Git commit, with `+` when files were changed. */
  commit: string;
}

/** As /proc/cpuinfo spells them: x86 first, then Arm. */
const INTERESTING = [
  ...["avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"],
  ...["amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2"],
];

const instructionSets = (): string[] => {
  if (process.platform !== "linux") return [];
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  const offered = new Set(flags.split(/\s+/));
  return INTERESTING.filter((name) => offered.has(name));
};

const git = (root: string, ...args: string[]): string => {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return ""; // an unpacked archive has no history
  }
};

const commit = (root: string): string => {
  const id = git(root, "rev-parse", "--short", "HEAD").trim();
  const isChanged = git(root, "status", "--porcelain", "--untracked-files=no") !== "";
  return `${id === "" ? "unknown" : id}${isChanged ? "+" : ""}`;
};

/** Describes this machine. @param root - of the repository @param usedBefore - see {@link Machine} */
export const describeMachine = async (root: string, usedBefore: number): Promise<Machine> => {
  const runtime = await detectRuntime();
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}, ${process.arch}`,
    node: process.version,
    instructionSets: instructionSets(),
    engine: {
      mlx: runtime.mlxVersion ?? "none",
      backend: runtime.backend,
      instructionSets: runtime.instructionSets,
    },
    loadAverage: loadavg(),
    usedBefore,
    commit: commit(root),
  };
};
