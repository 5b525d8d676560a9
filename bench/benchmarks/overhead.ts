/** What the host language costs per step: building the graph of one decode step, without evaluating it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { OverheadJob } from "../players/overhead.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import { installPython } from "../support/peers.ts";
import type { Findings, Series } from "../support/result.ts";
import { nodeProgram, runPlayer } from "../support/run-player.ts";
import { median, medianRatio } from "../support/statistics.ts";

const SUBJECT = "TypeScript";
const METRIC = "building one step";

interface PythonReport {
  versions: Record<string, string>;
  compiled: { medianMs: number };
  plain: { medianMs: number };
}

/** Steps per round; the first ones are not counted. */
const counts = (quick: boolean) => (quick ? { steps: 10, warmUp: 2 } : { steps: 200, warmUp: 20 });

const measureTypeScript = async (context: BenchContext): Promise<number> => {
  const job: OverheadJob = { modelPath: context.modelPath, ...counts(context.settings.quick) };
  const program = nodeProgram(import.meta.resolve("../players/overhead.ts"));
  const { timesMs } = await runPlayer<{ timesMs: number[] }>(program, job, context.settings.threads);
  return median(timesMs);
};

const measurePython = async (context: BenchContext, python: string): Promise<PythonReport> => {
  const { steps, warmUp } = counts(context.settings.quick);
  const program = join(context.root, "oracle", "measure_host_overhead.py");
  const args = [program, context.modelPath, "--steps", String(steps), "--warm-up", String(warmUp)];
  const { stdout } = await promisify(execFile)(python, args);
  return JSON.parse(stdout) as PythonReport;
};

const run = async (context: BenchContext): Promise<Findings> => {
  const { rounds, quick } = context.settings;
  const python = await installPython(context, "mlx-lm");
  const own: number[] = [];
  const reports: PythonReport[] = [];
  for (let round = 0; round < rounds; round++) {
    context.tell(`overhead: round ${round + 1} of ${rounds}`);
    own.push(await measureTypeScript(context));
    if ("found" in python) reports.push(await measurePython(context, python.found));
  }
  const series = (player: string, values: number[]): Series => ({
    player,
    metric: METRIC,
    unit: "ms",
    better: "lower",
    values,
  });
  const name = `Python mlx-lm ${reports[0]?.versions["mlx-lm"] ?? ""}`;
  const compiled = reports.map((report) => report.compiled.medianMs);
  const plain = reports.map((report) => report.plain.medianMs);
  const hasPeer = reports.length > 0;
  return {
    subject: SUBJECT,
    series: [
      series(SUBJECT, own),
      ...(hasPeer ? [series(name, compiled), series(`${name}, mx.compile off`, plain)] : []),
    ],
    targets: hasPeer
      ? [
          {
            claim: "part of Python mlx-lm's time",
            reached: 1 / medianRatio(own, compiled, "lower"),
            limit: 1 / 3,
            better: "lower",
          },
        ]
      : [],
    missing: "found" in python ? [] : [{ player: "Python mlx-lm", reason: python.reason }],
    notes: [
      `SmolLM2-135M: forward with cache and argmax, arrays freed; each round is a fresh process and the median of ${counts(quick).steps} steps.`,
    ],
    details: {},
  };
};

export const overhead: Benchmark = {
  name: "overhead",
  question:
    "How long does the host language take to build the graph of one decode step, before anything computes?",
  run,
};
