/** What adapters cost while they are used, and while they are not. */
import type { AdaptersJob, AdaptersReport } from "../players/adapters.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import type { RandomAdapter } from "../support/random-adapter.ts";
import type { Findings, Series, Target } from "../support/result.ts";
import { nodeProgram, runPlayer } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";

const [ALONE, UNASKED, ALL] = [
  "the model alone",
  "adapters that nobody asks for",
  "LoRA of all seven matrices",
];

const ADAPTERS: Readonly<Record<string, RandomAdapter>> = {
  "LoRA of q and v": { kind: "lora", rank: 8, of: ["q_proj", "v_proj"] },
  "DoRA of q and v": { kind: "dora", rank: 8, of: ["q_proj", "v_proj"] },
  [ALL]: { kind: "lora", rank: 8 },
};

/** Least part of the model's own rate. */
const LEAST = { [UNASKED]: 0.95, [ALL]: 0.8 };

const sizes = (quick: boolean) => (quick ? { tokens: 16, repeats: 1 } : { tokens: 128, repeats: 5 });

const run = async (context: BenchContext): Promise<Findings> => {
  const { rounds, quick, threads } = context.settings;
  const job: AdaptersJob = {
    modelPath: context.modelPath,
    ...sizes(quick),
    threads,
    adapters: ADAPTERS,
  };
  const program = nodeProgram(import.meta.resolve("../players/adapters.ts"));
  const reports: AdaptersReport[] = [];
  for (let round = 0; round < rounds; round++) {
    context.tell(`adapters: round ${round + 1} of ${rounds}`);
    reports.push(await runPlayer<AdaptersReport>(program, job, threads));
  }
  const ratesOf = ({ base, unasked, asked }: AdaptersReport) => ({
    [ALONE]: base,
    [UNASKED]: unasked,
    ...asked,
  });
  const valuesOf = (player: string): number[] =>
    reports.map((report) =>
      median(Object.entries(ratesOf(report)).find(([name]) => name === player)?.[1] ?? []),
    );
  const alone = valuesOf(ALONE);
  const series = [ALONE, UNASKED, ...Object.keys(ADAPTERS)].map(
    (player): Series => ({
      player,
      metric: "decode",
      unit: "tokens/s",
      better: "higher",
      values: valuesOf(player),
    }),
  );
  const targets = Object.entries(LEAST).map(
    ([player, limit]): Target => ({
      claim: `${player}: part of the model's own rate`,
      reached: median(valuesOf(player).map((value, i) => value / (alone[i] ?? Number.NaN))),
      limit,
      better: "higher",
    }),
  );
  return {
    subject: ALONE,
    series,
    targets,
    missing: [],
    notes: [
      `SmolLM2-135M, one request, ${job.tokens} tokens; adapters of rank 8 over all 30 layers. Each round is a fresh process and the median of ${job.repeats} answers in each of the cases, which take turns.`,
    ],
    details: {},
  };
};

export const adapters: Benchmark = {
  name: "adapters",
  question: "What do adapters cost while they are used, and while they are not?",
  run,
};
