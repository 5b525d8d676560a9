/** What decoding costs beside reading the weights: parts of a step, contexts, batches, and shapes of larger models. */

import type { DecodeJob, DecodeReport, DecodeTiming } from "../players/decode-steps.ts";
import { SHAPES } from "../players/shapes.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import { createBandwidthMeter } from "../support/read-bandwidth.ts";
import type { Findings, Series, Target } from "../support/result.ts";
import { nodeProgram, runPlayer } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";

const SMALL = "SmolLM2-135M";
const CASES = [
  { context: 256, batch: 1 },
  { context: 8192, batch: 1 },
  { context: 32768, batch: 1 },
  { context: 256, batch: 8 },
];
const QUICK_CASES = [
  { context: 16, batch: 1 },
  { context: 300, batch: 1 },
  { context: 16, batch: 8 },
];
/** Least part of the rate of a plain read at which large models should read their weights. */
const LEAST_OF_BANDWIDTH = 0.8;
/** Least gain from decoding eight sequences together. */
const LEAST_OF_BATCH = 3;

type Job = Omit<DecodeJob, "threads" | "device">;

const measure = async (context: BenchContext, name: string, job: Job): Promise<DecodeReport> => {
  const { threads, rounds } = context.settings;
  const program = nodeProgram(import.meta.resolve("../players/decode-steps.ts"));
  const reports: DecodeReport[] = [];
  for (let round = 0; round < rounds; round++) {
    context.tell(`decode: ${name}, round ${round + 1} of ${rounds}`);
    reports.push(await runPlayer<DecodeReport>(program, { ...job, device: "cpu", threads }, threads));
  }
  const timings = (reports[0]?.timings ?? []).map((first, i): DecodeTiming => {
    const middle = (of: (timing: DecodeTiming) => number) =>
      median(reports.map((report) => of(report.timings[i] ?? first)));
    const [stepMs, buildMs, evaluateMs] = [
      middle((timing) => timing.stepMs),
      middle((timing) => timing.buildMs),
      middle((timing) => timing.evaluateMs),
    ];
    return { ...first, stepMs, buildMs, evaluateMs };
  });
  return { weightBytes: reports[0]?.weightBytes ?? Number.NaN, timings };
};

const figure = (player: string, metric: string, unit: string, value: number): Series => ({
  player,
  metric,
  unit,
  values: [value],
});

/** Time that reading takes at the rate of a plain read, and the part of the step's that it is. */
const againstReading = (player: string, bytes: number, rate: number, { stepMs }: DecodeTiming) => {
  const readMs = (bytes / rate) * 1000;
  const series = [
    figure(player, "weights read per token", "MB", bytes / 1e6),
    figure(player, "a step", "ms", stepMs),
    figure(player, "reading them in order", "ms", readMs),
    figure(player, "part of the reading rate", "", readMs / stepMs),
  ];
  return { series, part: readMs / stepMs };
};

/** How much faster than the bytes that a step reads decoding slows down: at most 1 is wanted. */
const contextTargets = (report: DecodeReport): Target[] => {
  const singles = report.timings.filter(({ batch }) => batch === 1);
  const [short, ...long] = singles;
  if (short === undefined) return [];
  const bytes = (timing: DecodeTiming) => report.weightBytes + timing.cacheBytes;
  return long.map((timing) => ({
    claim: `${timing.context} tokens of context: slowdown over that of the bytes read`,
    reached: timing.stepMs / short.stepMs / (bytes(timing) / bytes(short)),
    limit: 1,
    better: "lower",
  }));
};

const batchTargets = ({ timings }: DecodeReport): Target[] => {
  const [single, ...others] = timings.filter(({ context }) => context === timings[0]?.context);
  if (single === undefined) return [];
  return others.map(({ batch, stepMs }) => ({
    claim: `${batch} sequences: tokens per second, times those of one`,
    reached: (batch * single.stepMs) / stepMs,
    limit: LEAST_OF_BATCH,
    better: "higher",
  }));
};

const smallSeries = ({ timings }: DecodeReport): Series[] =>
  timings.flatMap(({ context, batch, ...timing }) => {
    const player = `${SMALL}, ${batch} at ${context}`;
    return [
      figure(player, "a step", "ms", timing.stepMs),
      figure(player, "building its graph", "ms", timing.buildMs),
      figure(player, "computing it", "ms", timing.evaluateMs),
      figure(player, "keys and values read", "MB", timing.cacheBytes / 1e6),
    ];
  });

const run = async (context: BenchContext): Promise<Findings> => {
  const { quick } = context.settings;
  const read = await createBandwidthMeter(context);
  const steps = quick ? 3 : 30;
  const small = await measure(context, SMALL, {
    modelPath: context.modelPath,
    steps,
    cases: quick ? QUICK_CASES : CASES,
  });
  const series = smallSeries(small);
  const targets = [...contextTargets(small), ...batchTargets(small)];
  for (const [shape, config] of quick ? [] : Object.entries(SHAPES)) {
    const report = await measure(context, shape, { config, steps, cases: [{ context: 16, batch: 1 }] });
    const [rate = Number.NaN] = await read([report.weightBytes]);
    const [timing] = report.timings;
    if (timing === undefined) continue;
    const found = againstReading(shape, report.weightBytes, rate, timing);
    series.push(...found.series);
    targets.push({
      claim: `${shape}: part of the reading rate`,
      reached: found.part,
      limit: LEAST_OF_BANDWIDTH,
      better: "higher",
    });
  }
  return {
    series,
    targets,
    missing: [],
    notes: [
      "Steps on the thread that owns the model, without an engine, sampling the most likely token. A step is timed as text is generated: its graph is built while the one before is computed. Building and computing are timed apart as well.",
      "Shapes have random weights of 4 bits in groups of 64. Caches hold numbers of no meaning.",
    ],
    details: {},
  };
};

export const decode: Benchmark = {
  name: "decode",
  question: "Where does the time of a decode step go, and how does it grow with context, batch and model?",
  run,
};
