/** Prompts and answers on a GPU, beside Python mlx-lm on the same one. */
import { isDeviceAvailable } from "@abstractllm/mlx/core";
import type { DecodeJob, DecodeReport } from "../players/decode-steps.ts";
import { QUANTIZATION, SHAPES } from "../players/shapes.ts";
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

/** The figures of one model: its prompt, then its steps. */
const figuresOf = (report: DecodeReport, { prompt, cases }: Pick<DecodeJob, "prompt" | "cases">) => [
  { metric: `prompt of ${prompt}`, perSecond: ((prompt ?? 0) * 1000) / (report.promptMs ?? Number.NaN) },
  ...cases.map(({ context, batch }, i) => ({
    metric: `decode, ${batch} at ${context}`,
    perSecond: (batch * 1000) / (report.timings[i]?.stepMs ?? Number.NaN),
  })),
];

const seriesOf = (player: Player, job: Pick<DecodeJob, "prompt" | "cases">): Series[] =>
  [...player.reports].flatMap(([shape, reports]) => {
    const rounds = reports.map((report) => figuresOf(report, job));
    return (rounds[0] ?? []).map(({ metric }, i) => ({
      player: player.name,
      metric: `${shape}, ${metric}`,
      unit: "tokens/s",
      better: "higher" as const,
      values: rounds.map((figures) => figures[i]?.perSecond ?? Number.NaN),
    }));
  });

const targetsOf = (own: readonly Series[], peer: readonly Series[]): Target[] =>
  own.flatMap(({ metric, values }) => {
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
  for (const [shape, config] of Object.entries(SHAPES).slice(0, quick ? 1 : undefined)) {
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
