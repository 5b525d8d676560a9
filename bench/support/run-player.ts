/** Players run alone, each in a fresh process: no warm caches, own peak memory, no idle threads beside. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { findOnPath } from "../../scripts/setup/prerequisites.mjs";
import type { BenchContext } from "./context.ts";

const RESULT_LINE = "RESULT ";
const KEPT_OUTPUT = 2000; // enough for the end of a stack trace

/** A program that takes a job as its last argument, in JSON, and prints one line: `RESULT` and JSON. */
export interface Program {
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
}

/** A TypeScript player. @param url - from `import.meta.resolve`, by which unused files are told from used ones */
export const nodeProgram = (url: string): Program => ({
  command: process.execPath,
  args: ["--import", "tsx", fileURLToPath(url)],
});

/** Whether players can be held to some of the processors. */
const canPin = (): boolean => findOnPath("taskset", process.env) !== undefined;

/** Holds everyone to the same processors, as many as there are threads. */
const pinned = ({ command, args }: Program, threads: number): [string, readonly string[]] => {
  const isNeeded = threads < availableParallelism() && canPin();
  return isNeeded ? ["taskset", ["--cpu-list", `0-${threads - 1}`, command, ...args]] : [command, args];
};

/**
 * Runs a player to its end.
 *
 * @returns what it printed as its result
 * @throws {Error} with the end of its output when it fails
 */
export const runPlayer = async <Report>(program: Program, job: unknown, threads: number): Promise<Report> => {
  const [command, args] = pinned(program, threads);
  const child = spawn(command, [...args, JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...program.env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-KEPT_OUTPUT);
  });
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve(exitCode ?? signal));
  });
  const line = stdout.split("\n").find((text) => text.startsWith(RESULT_LINE));
  if (code !== 0 || line === undefined) {
    throw new Error(
      `${[command, ...args].join(" ")} ended with ${code}:\n${stderr || stdout.slice(-KEPT_OUTPUT)}`,
    );
  }
  return JSON.parse(line.slice(RESULT_LINE.length)) as Report;
};

/** Runs a player once in every round. @param what - is measured, for those who wait */
export const runRounds = async <Report>(
  { settings, tell }: Pick<BenchContext, "settings" | "tell">,
  what: string,
  program: Program,
  job: unknown,
): Promise<Report[]> => {
  const { rounds, threads } = settings;
  const reports: Report[] = [];
  for (let round = 0; round < rounds; round++) {
    tell(`${what}, round ${round + 1} of ${rounds}`);
    reports.push(await runPlayer<Report>(program, job, threads));
  }
  return reports;
};

/** Inside a player: the job it was given. */
export const readJob = <Job>(): Job => JSON.parse(process.argv.at(-1) ?? "") as Job;

/** Inside a player: hands the result over. */
export const writeReport = (report: unknown): void => {
  process.stdout.write(`\n${RESULT_LINE}${JSON.stringify(report)}\n`);
};
