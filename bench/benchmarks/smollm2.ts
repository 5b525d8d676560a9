/** SmolLM2-135M Q4_1: loading, prompts, answers, memory, beside node-llama-cpp and Python mlx-lm. */
import { startEngine } from "@abstractllm/mlx";
import type { GenerationJob, GenerationReport } from "../players/generation-job.ts";
import { type BenchContext, type Benchmark, benchFile } from "../support/context.ts";
import { readCorpus } from "../support/corpus.ts";
import { installNodeLlamaCpp, installPython, type Peer } from "../support/peers.ts";
import type { Findings, Series } from "../support/result.ts";
import { nodeProgram, type Program, runPlayer } from "../support/run-player.ts";
import { generationSeries, SUBJECT } from "./generation-series.ts";
import { smollm2Targets } from "./smollm2-targets.ts";

/** A figure that would take longer is taken over fewer tokens, and marked. */
const BUDGET_SECONDS = 20;
const STORY = "Once upon a time, in a small village by the sea,";

interface Sizes {
  prefill: number;
  firstToken: number;
  decode: number;
}

const FULL: Sizes = { prefill: 512, firstToken: 500, decode: 128 };
const QUICK: Sizes = { prefill: 24, firstToken: 20, decode: 8 };
const PROBE: Sizes = { prefill: 4, firstToken: 0, decode: 4 };
const LARGEST_WARM_UP = 32;

interface Player {
  name: string;
  program: Program;
  /** What this player needs besides the job. */
  extra: Record<string, unknown>;
}

interface Prompts {
  long: number[];
  story: number[];
}

const tokenizePrompts = async (context: BenchContext): Promise<Prompts> => {
  const engine = await startEngine({ device: "cpu" });
  try {
    const model = await engine.load({ path: context.modelPath });
    const text = readCorpus(context.root)[0]?.text ?? "";
    return { long: await model.tokenize(text), story: await model.tokenize(STORY) };
  } finally {
    await engine.dispose();
  }
};

const findPlayers = async (
  context: BenchContext,
): Promise<{ players: Player[]; missing: Findings["missing"] }> => {
  const players = [
    { name: SUBJECT, program: nodeProgram(import.meta.resolve("../players/abstractllm.ts")), extra: {} },
  ] as Player[];
  const missing: Findings["missing"] = [];
  const add = <T>(names: readonly string[], peer: Peer<T>, make: (found: T) => Player[]): void => {
    if ("found" in peer) players.push(...make(peer.found));
    else missing.push(...names.map((player) => ({ player, reason: peer.reason })));
  };
  add(["node-llama-cpp"], await installNodeLlamaCpp(context), (packageFolder) => [
    {
      name: "node-llama-cpp",
      program: nodeProgram(import.meta.resolve("../players/node-llama-cpp.ts")),
      extra: { packageFolder },
    },
  ]);
  const dtypes = ["float32", "float16"];
  add(
    dtypes.map((dtype) => `mlx-lm ${dtype}`),
    await installPython(context, "mlx-lm"),
    (command) =>
      dtypes.map((dtype) => ({
        name: `mlx-lm ${dtype}`,
        program: {
          command,
          args: [benchFile("players/mlx_lm_generation.py")],
          env: { PYTHONPATH: `${context.root}/oracle`, OMP_NUM_THREADS: String(context.settings.threads) },
        },
        extra: { dtype },
      })),
  );
  return { players, missing };
};

const play = (
  context: BenchContext,
  player: Player,
  prompts: Prompts,
  sizes: Sizes,
): Promise<GenerationReport> => {
  const job: GenerationJob = {
    device: "cpu",
    modelPath: context.modelPath,
    threads: context.settings.threads,
    warmUp: {
      prompt: prompts.long.slice(0, sizes.prefill),
      tokens: Math.min(LARGEST_WARM_UP, sizes.decode),
    },
    prefill: prompts.long.slice(0, sizes.prefill),
    // other tokens than those just evaluated
    firstToken: sizes.firstToken === 0 ? null : prompts.long.slice(-sizes.firstToken),
    decode: {
      prompt: sizes.decode <= PROBE.decode ? prompts.story.slice(0, 4) : prompts.story,
      tokens: sizes.decode,
    },
  };
  return runPlayer<GenerationReport>(player.program, { ...job, ...player.extra }, context.settings.threads);
};

/** The sizes a player can do within the budget, from what it did in a short run. */
const affordable = (wanted: Sizes, probe: GenerationReport): Sizes => {
  const prefillRate = PROBE.prefill / (probe.prefillMs / 1000);
  const decodeRate = probe.decode.tokens / (probe.decode.ms / 1000);
  const fits = (tokens: number, rate: number): number => Math.min(tokens, Math.floor(rate * BUDGET_SECONDS));
  return {
    prefill: Math.max(PROBE.prefill, fits(wanted.prefill, prefillRate)),
    firstToken: fits(wanted.firstToken, prefillRate) < wanted.firstToken ? 0 : wanted.firstToken,
    decode: Math.max(PROBE.decode, fits(wanted.decode, decodeRate)),
  };
};

interface Entry {
  player: Player;
  sizes: Sizes;
  reports: GenerationReport[];
}

/** Gives every player its sizes; one that fails in the short run is missing, and says why. */
const prepare = async (
  context: BenchContext,
  players: readonly Player[],
  prompts: Prompts,
  missing: Findings["missing"],
): Promise<Entry[]> => {
  const entries: Entry[] = [];
  for (const player of players) {
    context.tell(`smollm2: short run of ${player.name}`);
    try {
      const probe = await play(context, player, prompts, PROBE);
      const sizes = affordable(context.settings.quick ? QUICK : FULL, probe);
      entries.push({ player, sizes, reports: [] });
    } catch (error) {
      if (player.name === SUBJECT) throw error;
      missing.push({ player: player.name, reason: String(error).split("\n").slice(0, 4).join(" ") });
    }
  }
  return entries;
};

const notes = (entries: readonly Entry[], wanted: Sizes): string[] => {
  const shortened = entries.filter(({ sizes }) => sizes.firstToken !== wanted.firstToken);
  return [
    "Each figure is from a fresh process that first does a warm-up of its own; players take turns within a round.",
    "Load: from the path to a model that can answer, the file in the page cache, libraries loaded before. Memory: peak resident above the process before loading, mapped file included.",
    "mlx-lm cannot read this file by itself; oracle/gguf_llama.py gives it the weights.",
    ...shortened.map(
      ({ player }) =>
        `${player.name} would need more than ${BUDGET_SECONDS} s for a prompt of ${wanted.firstToken} tokens.`,
    ),
  ];
};

const run = async (context: BenchContext): Promise<Findings> => {
  const { players, missing } = await findPlayers(context);
  const prompts = await tokenizePrompts(context);
  const wanted = context.settings.quick ? QUICK : FULL;
  const entries = await prepare(context, players, prompts, missing);
  for (let round = 0; round < context.settings.rounds; round++) {
    // each round starts with another player, so that none always follows the same one
    const order = entries
      .map((_, i) => entries[(i + round) % entries.length])
      .filter((entry) => entry !== undefined);
    for (const { player, sizes, reports } of order) {
      context.tell(`smollm2: round ${round + 1} of ${context.settings.rounds}, ${player.name}`);
      reports.push(await play(context, player, prompts, sizes));
    }
  }
  const series: Series[] = entries.flatMap(({ player, sizes, reports }) =>
    generationSeries(player.name, reports, sizes, wanted),
  );
  return {
    subject: SUBJECT,
    series,
    targets: smollm2Targets(series),
    missing,
    notes: notes(entries, wanted),
    details: {
      sizes: Object.fromEntries(entries.map(({ player, sizes }) => [player.name, sizes])),
      answers: Object.fromEntries(entries.map(({ player, reports }) => [player.name, reports[0]?.text])),
    },
  };
};

export const smollm2: Benchmark = {
  name: "smollm2",
  question: "How fast does SmolLM2-135M (Q4_1, GGUF) answer on the CPU, and what does it take?",
  run,
};
