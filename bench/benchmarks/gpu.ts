/** Prompts and answers on a GPU, beside Python mlx-lm on the same one. */
import { isDeviceAvailable } from "@abstractllm/mlx/core";
import type { DecodeJob, DecodeReport } from "../players/decode-steps.ts";
import { QUANTIZATION, SHAPES, SMOLLM2 } from "../players/shapes.ts";
import { type BenchContext, type Benchmark, benchFile } from "../support/context.ts";
import type { Findings, Series, Target } from "../support/result.ts";
import { nodeProgram, type Program, runPlayer } from "../support/run-player.ts";
import { medianRatio } from "../support/statistics.ts";
import { SUBJECT } from "./generation-series.ts";

const PEER = "Python mlx-lm";
const STEPS = 100;
const PROMPT = 2048;
const CASES = [
  { context: 512, batch: 1 },
  { context: 8192, batch: 1 },
  { context: 512, batch: 8 },
  { context: 512, batch: 32 },
];
const MODELS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "SmolLM2-135M": SMOLLM2,
  ...SHAPES,
};
const QUICK = { steps: 3, prompt: 64, cases: [{ context: 16, batch: 1 }] };

interface Player {
  name: string;
  program: Program;
  reports: Map<string, DecodeReport[]>;
}

const findPlayers = ({ settings }: BenchContext): Player[] => {
  const players = [
    { name: SUBJECT, program: nodeProgram(import.meta.resolve("../players/decode-steps.ts")) },
    ...(settings.python === undefined
      ? []
      : [
          { name: PEER, program: { command: settings.python, args: [benchFile("players/mlx_lm_steps.py")] } },
        ]),
  ];
  return players.map((player) => ({ ...player, reports: new Map() }));
};

/** The models that are asked for. @throws {Error} when there is none */
const chosenModels = ({ shape, quick }: BenchContext["settings"]) => {
  const all = Object.entries(MODELS);
  const chosen = all.filter(([name]) => name.includes(shape ?? ""));
  if (chosen.length === 0) {
    const names = all.map(([name]) => `"${name}"`).join(", ");
    throw new Error(`Expected for --shape a part of ${names} but received ${shape}`);
  }
  return quick ? chosen.slice(0, 1) : chosen;
};

interface Figure {
  metric: string;
  unit: "tokens/s" | "ms";
  value: number;
}

/** The figures of one model: its prompt, then its steps and what of them is the host's work. */
const figuresOf = (
  report: DecodeReport,
  { prompt, cases }: Pick<DecodeJob, "prompt" | "cases">,
): Figure[] => [
  {
    metric: `prompt of ${prompt}`,
    unit: "tokens/s",
    value: ((prompt ?? 0) * 1000) / (report.promptMs ?? Number.NaN),
  },
  ...cases.flatMap(({ context, batch }, i): Figure[] => {
    const { stepMs, buildMs, startMs } = report.timings[i] ?? {};
    const steps = `decode, ${batch} at ${context}`;
    return [
      { metric: steps, unit: "tokens/s", value: (batch * 1000) / (stepMs ?? Number.NaN) },
      { metric: `${steps}: graph of a step`, unit: "ms", value: buildMs ?? Number.NaN },
      { metric: `${steps}: starting it`, unit: "ms", value: startMs ?? Number.NaN },
    ];
  }),
];

const seriesOf = (player: Player, job: Pick<DecodeJob, "prompt" | "cases">): Series[] =>
  [...player.reports].flatMap(([shape, reports]) => {
    const rounds = reports.map((report) => figuresOf(report, job));
    return (rounds[0] ?? []).map(({ metric, unit }, i) => ({
      player: player.name,
      metric: `${shape}, ${metric}`,
      unit,
      better: unit === "ms" ? ("lower" as const) : ("higher" as const),
      values: rounds.map((figures) => figures[i]?.value ?? Number.NaN),
    }));
  });

const targetsOf = (own: readonly Series[], peer: readonly Series[]): Target[] =>
  own.flatMap(({ metric, unit, values }) => {
    if (unit === "ms") return [];
    const theirs = peer.find((series) => series.metric === metric);
    if (theirs === undefined) return [];
    const reached = medianRatio(values, theirs.values, "higher");
    return [{ claim: `${metric}: times mlx-lm`, reached, limit: 1, better: "higher" as const }];
  });

const run = async (context: BenchContext): Promise<Findings> => {
  const nothing = { subject: SUBJECT, series: [], targets: [], notes: [], details: {} };
  if (!isDeviceAvailable("gpu")) {
    return { ...nothing, missing: [{ player: SUBJECT, reason: "this libmlx has no GPU here" }] };
  }
  const { rounds, quick, threads } = context.settings;
  const players = findPlayers(context);
  const size = quick ? QUICK : { steps: STEPS, prompt: PROMPT, cases: CASES };
  for (const [shape, config] of chosenModels(context.settings)) {
    for (let round = 0; round < rounds; round++) {
      for (const { name, program, reports } of round % 2 === 0 ? players : players.toReversed()) {
        context.tell(`gpu: ${shape}, round ${round + 1} of ${rounds}, ${name}`);
        const job = { device: "gpu", config, quantization: QUANTIZATION, threads, ...size };
        const report = await runPlayer<DecodeReport>(program, job, threads);
        reports.set(shape, [...(reports.get(shape) ?? []), report]);
      }
    }
  }
  const [own = [], peer = []] = players.map((player) => seriesOf(player, size));
  return {
    ...nothing,
    series: [...own, ...peer],
    targets: targetsOf(own, peer),
    missing: players.length > 1 ? [] : [{ player: PEER, reason: "--python names no Python that has it" }],
    notes: [
      "Models of these shapes with random weights of 4 bits in groups of 64, in float16, without an engine around them. Each step is started before the token of the one before is read. Caches hold numbers of no meaning.",
    ],
  };
};

export const gpu: Benchmark = {
  name: "gpu",
  question: "How fast are prompts and answers on this machine's GPU?",
  run,
};
