/** What it costs to hold an answer to a schema. */
import type { ConstraintJob, ConstraintReport } from "../players/constraint.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import type { Findings, Series } from "../support/result.ts";
import { nodeProgram, runRounds } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";

const [HELD, FREE] = ["held to a schema", "free"];

const sizes = (quick: boolean) => (quick ? { tokens: 16, repeats: 1 } : { tokens: 128, repeats: 5 });

const run = async (context: BenchContext): Promise<Findings> => {
  const { quick, threads } = context.settings;
  const job: ConstraintJob = { modelPath: context.modelPath, ...sizes(quick), threads };
  const program = nodeProgram(import.meta.resolve("../players/constraint.ts"));
  const reports = await runRounds<ConstraintReport>(context, "constraint", program, job);
  const series = (player: string, metric: string, values: number[]): Series => ({
    player,
    metric,
    unit: "ms",
    better: "lower",
    values,
  });
  const medians = (pick: (report: ConstraintReport) => readonly number[]) =>
    reports.map((one) => median(pick(one)));
  const start = "to the first token";
  return {
    subject: HELD,
    series: [
      series(
        HELD,
        "per token",
        medians(({ heldMs }) => heldMs),
      ),
      series(
        FREE,
        "per token",
        medians(({ freeMs }) => freeMs),
      ),
      series(
        HELD,
        start,
        medians(({ heldStartMs }) => heldStartMs),
      ),
      series(
        FREE,
        start,
        medians(({ freeStartMs }) => freeStartMs),
      ),
      series(
        "the model's first schema",
        start,
        medians(({ firstHeldStartMs }) => [firstHeldStartMs]),
      ),
    ],
    targets: [],
    missing: [],
    notes: [
      `SmolLM2-135M, one request, ${job.tokens} tokens; a list of records with text, enumerations, numbers, dates and patterns. Each round is a fresh process and the median of ${job.repeats} pairs of answers.`,
    ],
    details: {},
  };
};

export const constraint: Benchmark = {
  name: "constraint",
  question: "What does it cost to hold an answer to a schema?",
  run,
};
