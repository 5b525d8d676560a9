/** The machine's own limit: how fast it reads memory in order. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCompiler } from "../../scripts/setup/prerequisites.mjs";
import { type BenchContext, benchFile } from "./context.ts";

const run = promisify(execFile);

const FLAGS = ["-std=c++20", "-O3", "-march=native", "-pthread"];

const build = async (context: BenchContext): Promise<string> => {
  const source = benchFile("players/read_bandwidth.cc");
  const id = createHash("sha256")
    .update(readFileSync(source))
    .update(FLAGS.join())
    .digest("hex")
    .slice(0, 12);
  const program = join(context.stateDir, `read-bandwidth-${id}`);
  if (existsSync(program)) return program;
  mkdirSync(context.stateDir, { recursive: true });
  await run(findCompiler(process.env), [...FLAGS, "-o", program, source]);
  return program;
};

/** Bytes per second for each of some passes over so many bytes. */
export type BandwidthMeter = (bytes: readonly number[]) => Promise<number[][]>;

export const createBandwidthMeter = async (context: BenchContext): Promise<BandwidthMeter> => {
  const program = await build(context);
  const { threads, quick } = context.settings;
  return async (bytes) => {
    const passes = quick ? 3 : 20;
    const { stdout } = await run(program, [String(threads), String(passes), ...bytes.map(String)]);
    const rates = JSON.parse(stdout) as Record<string, number[]>;
    return bytes.map((size) => rates[String(size)] ?? []);
  };
};
