import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The built command line. */
export const PROGRAM = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What a run of the program left. */
export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** Starts the program with pipes. */
export function startProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, NO_COLOR: "", ...env } });
}

/** Runs the program to its end; `input` is all of its standard input. */
export async function runProgram(
  args: readonly string[],
  { input = "", env = {} }: { input?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Run> {
  const child = startProgram(args, env);
  child.stdin?.on("error", () => {}); // a program that has failed reads no more
  child.stdin?.end(input);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [stdout, stderr] = await Promise.all(
    [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : "")),
  );
  return { stdout: stdout ?? "", stderr: stderr ?? "", status: await ended };
}
