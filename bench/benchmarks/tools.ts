/** What tools cost that are not called. */
import type { ToolsJob, ToolsReport, ToolsTimes } from "../players/tools.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import type { Findings, Series } from "../support/result.ts";
import { nodeProgram, runRounds } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";

const [HELD, FREE] = ["with twenty tools", "without"];

const sizes = (quick: boolean) => (quick ? { tokens: 16, repeats: 1 } : { tokens: 96, repeats: 5 });

const METRICS = {
  start: "to the first token",
  alone: "one answer, per token",
  guessed: "one answer with prompt lookup, per token",
  together: "four answers at once, per token of each",
} as const;

const run = async (context: BenchContext): Promise<Findings> => {
  const { quick, threads } = context.settings;
  const job: ToolsJob = { modelPath: context.modelPath, ...sizes(quick), threads };
  const program = nodeProgram(import.meta.resolve("../players/tools.ts"));
  const reports = await runRounds<ToolsReport>(context, "tools", program, job);
  const series = (player: string, metric: string, values: number[]): Series => ({
    player,
    metric,
    unit: "ms",
    better: "lower",
    values,
  });
  const medians = (name: keyof typeof METRICS, pick: (times: ToolsTimes) => readonly number[]) =>
    reports.map((report) => median(pick(report[name])));
  const names = Object.keys(METRICS) as (keyof typeof METRICS)[];
  return {
    subject: HELD,
    series: [
      ...names.flatMap((name) => [
        series(
          HELD,
          METRICS[name],
          medians(name, ({ heldMs }) => heldMs),
        ),
        series(
          FREE,
          METRICS[name],
          medians(name, ({ freeMs }) => freeMs),
        ),
      ]),
      series(
        "the first answer with them",
        METRICS.start,
        reports.map(({ start }) => start.firstHeldMs),
      ),
    ],
    targets: [],
    missing: [],
    notes: [
      `SmolLM2-135M, ${job.tokens} tokens, greedy, prompts that have been read; the answers call no tool. Each round is a fresh process and the median of ${job.repeats} pairs of answers; of four answers the slowest counts.`,
    ],
    details: {},
  };
};

export const tools: Benchmark = {
  name: "tools",
  question: "What do tools cost that are not called?",
  run,
};
