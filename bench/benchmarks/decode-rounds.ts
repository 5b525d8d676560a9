/** Decode steps of a model in every round, and how near they come to reading its weights in order. */
import type { DecodeJob, DecodeReport, DecodeTiming } from "../players/decode-steps.ts";
import type { BenchContext } from "../support/context.ts";
import type { BandwidthMeter } from "../support/read-bandwidth.ts";
import type { Series } from "../support/result.ts";
import { nodeProgram, runPlayer } from "../support/run-player.ts";
import { median, medianRatio } from "../support/statistics.ts";

type Job = Omit<DecodeJob, "threads" | "device">;

/** @param behind - measured behind each round */
export const measureSteps = async (
  context: BenchContext,
  name: string,
  job: Job,
  behind: (report: DecodeReport) => Promise<void> = async () => {},
): Promise<DecodeReport[]> => {
  const { threads, rounds } = context.settings;
  const program = nodeProgram(import.meta.resolve("../players/decode-steps.ts"));
  const reports: DecodeReport[] = [];
  for (let round = 0; round < rounds; round++) {
    context.tell(`${name}, round ${round + 1} of ${rounds}`);
    const report = await runPlayer<DecodeReport>(program, { ...job, device: "cpu", threads }, threads);
    reports.push(report);
    await behind(report);
  }
  return reports;
};

export const figure = (player: string, metric: string, unit: string, values: number[]): Series => ({
  player,
  metric,
  unit,
  values,
});

/** A case, in every round. */
export interface Case {
  readonly context: number;
  readonly batch: number;
  readonly timings: DecodeTiming[];
}

export const casesOf = (reports: readonly DecodeReport[]): Case[] =>
  (reports[0]?.timings ?? []).map(({ context, batch }, i) => ({
    context,
    batch,
    timings: reports.flatMap(({ timings }) => timings[i] ?? []),
  }));

export const stepsOf = ({ timings }: Case): number[] => timings.map(({ stepMs }) => stepMs);

/** Time that a plain read of the same bytes took behind each round, and the part of a step's that it is. */
const againstReading = (player: string, steps: Case, weightBytes: number, readMs: number[]) => {
  const stepMs = stepsOf(steps);
  const series = [
    figure(player, "weights read per token", "MB", [weightBytes / 1e6]),
    figure(player, "a step", "ms", stepMs),
    figure(player, "reading them in order", "ms", readMs),
    figure(
      player,
      "part of the reading rate",
      "",
      readMs.map((ms, round) => ms / (stepMs[round] ?? Number.NaN)),
    ),
  ];
  return { series, part: medianRatio(stepMs, readMs, "lower") };
};

/**
 * A model with random weights that decodes one sequence.
 *
 * @param read - reads as many bytes in order behind each round
 * @returns figures, and the part of that rate that decoding reaches
 */
export const measureReadingRate = async (
  context: BenchContext,
  shape: string,
  { config, steps, position }: { config: Readonly<Record<string, unknown>>; steps: number; position: number },
  read: BandwidthMeter,
): Promise<{ series: Series[]; part: number }> => {
  const readMs: number[] = [];
  const job = { config, steps, cases: [{ context: position, batch: 1 }] };
  const reports = await measureSteps(context, shape, job, async ({ weightBytes }) => {
    const [rates = []] = await read([weightBytes]);
    readMs.push((weightBytes / median(rates)) * 1000);
  });
  const [single] = casesOf(reports);
  if (single === undefined) throw new Error(`no steps of ${shape} were timed`);
  return againstReading(shape, single, reports[0]?.weightBytes ?? Number.NaN, readMs);
};
