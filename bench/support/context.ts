import { fileURLToPath } from "node:url";
import { createContext } from "../../scripts/setup/context.mjs";
import { defaultModelPath } from "../../scripts/setup/steps/default-model.mjs";
import type { Findings, Settings } from "./result.ts";

export interface BenchContext {
  readonly root: string;
  /** Where peers, built programs and unpublished results go. */
  readonly stateDir: string;
  readonly modelPath: string;
  readonly settings: Settings;
  /** Says on stderr what is going on. */
  readonly tell: (line: string) => void;
}

/** One program per question. */
export interface Benchmark {
  readonly name: string;
  readonly question: string;
  run(context: BenchContext): Promise<Findings>;
}

/** The context of this checkout. */
export const createBenchContext = (settings: Settings): BenchContext => {
  const { root, stateDir } = createContext();
  return {
    root,
    stateDir: `${stateDir}/bench`,
    modelPath: defaultModelPath({ root }),
    settings,
    tell: (line) => console.error(line),
  };
};

/** Path of a file in this folder's parent, such as `players/overhead.ts`. */
export const benchFile = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
