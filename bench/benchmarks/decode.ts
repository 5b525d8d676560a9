/** What decoding costs beside reading the weights: parts of a step, contexts, batches, and shapes of larger models. */

import { SHAPES } from "../players/shapes.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import { createBandwidthMeter } from "../support/read-bandwidth.ts";
import type { Findings, Series, Target } from "../support/result.ts";
import { medianRatio } from "../support/statistics.ts";
import { type Case, casesOf, figure, measureReadingRate, measureSteps, stepsOf } from "./decode-rounds.ts";

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

/** How much faster than the bytes that a step reads decoding slows down: at most 1 is wanted. */
const contextTargets = ([short, ...others]: Case[], weightBytes: number): Target[] => {
  if (short === undefined) return [];
  const bytes = ({ timings }: Case) => weightBytes + (timings[0]?.cacheBytes ?? Number.NaN);
  const long = others.filter(({ batch }) => batch === short.batch);
  return long.map((other) => ({
    claim: `${other.context} tokens of context: slowdown over that of the bytes read`,
    reached: medianRatio(stepsOf(other), stepsOf(short), "higher") / (bytes(other) / bytes(short)),
    limit: 1,
    better: "lower",
  }));
};

const batchTargets = ([single, ...others]: Case[]): Target[] => {
  if (single === undefined) return [];
  const together = others.filter(({ context }) => context === single.context);
  return together.map((other) => ({
    claim: `${other.batch} sequences: tokens per second, times those of one`,
    reached: other.batch * medianRatio(stepsOf(other), stepsOf(single), "lower"),
    limit: LEAST_OF_BATCH,
    better: "higher",
  }));
};

const smallSeries = (cases: Case[]): Series[] =>
  cases.flatMap(({ context, batch, timings }) => {
    const player = `${SMALL}, ${batch} at ${context}`;
    const all = (of: (timing: Case["timings"][number]) => number) => timings.map(of);
    return [
      figure(
        player,
        "a step",
        "ms",
        all(({ stepMs }) => stepMs),
      ),
      figure(
        player,
        "building its graph",
        "ms",
        all(({ buildMs }) => buildMs),
      ),
      figure(
        player,
        "computing it",
        "ms",
        all(({ evaluateMs }) => evaluateMs),
      ),
      figure(player, "keys and values read", "MB", [(timings[0]?.cacheBytes ?? Number.NaN) / 1e6]),
    ];
  });

const run = async (context: BenchContext): Promise<Findings> => {
  const { quick } = context.settings;
  const read = await createBandwidthMeter(context);
  const steps = quick ? 3 : 30;
  const small = await measureSteps(context, SMALL, {
    modelPath: context.modelPath,
    steps,
    cases: quick ? QUICK_CASES : CASES,
  });
  const cases = casesOf(small);
  const series = smallSeries(cases);
  const weightBytes = small[0]?.weightBytes ?? Number.NaN;
  const targets = [...contextTargets(cases, weightBytes), ...batchTargets(cases)];
  for (const [shape, config] of quick ? [] : Object.entries(SHAPES)) {
    const found = await measureReadingRate(context, shape, { config, steps, position: 16 }, read);
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
      "Shapes have random weights of 4 bits in groups of 64. Caches hold numbers of no meaning. Ratios are those of one round, a plain read's, the middle of 20 passes, behind its steps; the claims are about their medians.",
    ],
    details: {},
  };
};

export const decode: Benchmark = {
  name: "decode",
  question: "Where does the time of a decode step go, and how does it grow with context, batch and model?",
  run,
};
