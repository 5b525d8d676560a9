/** What loading a model and answering take of memory, beside weights and cache. */
import { join } from "node:path";
import type { MemoryJob, MemoryReport } from "../players/memory.ts";
import { LLAMA_1B, QWEN3_MOE } from "../players/shapes.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import { type RandomModel, randomModelFolder } from "../support/random-model.ts";
import type { ResidentMemory } from "../support/resident-memory.ts";
import type { Findings, Series, Target } from "../support/result.ts";
import { nodeProgram, runRounds } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";

const SIZES = { prompt: 2048, steps: 64 };
const QUICK_SIZES = { prompt: 64, steps: 4 };
/** Most memory for answering, as a multiple of weights and cache. */
const MOST = 1.15;

const MIB = 2 ** 20;
const FLOAT16_BYTES = 2;

/** Of each layer's cache. */
interface CacheShape {
  layers: number;
  keyHeads: number;
  headDim: number;
}

interface Model {
  player: string;
  cache: CacheShape;
  open(context: BenchContext): Promise<string>;
}

const smollm2: Model = {
  player: "SmolLM2-135M, GGUF, Q4_1",
  cache: { layers: 30, keyHeads: 3, headDim: 64 },
  open: async ({ modelPath }) => modelPath,
};

const shaped = (player: string, model: RandomModel): Model => {
  const { num_hidden_layers, num_key_value_heads, head_dim } = model.config;
  return {
    player,
    cache: {
      layers: Number(num_hidden_layers),
      keyHeads: Number(num_key_value_heads),
      headDim: Number(head_dim),
    },
    open: ({ stateDir }) => randomModelFolder(join(stateDir, "models"), model),
  };
};

const models: readonly Model[] = [
  smollm2,
  shaped("Llama-3.2-1B, 4 bits", { name: "llama-3.2-1b", config: LLAMA_1B, quantized: true }),
  shaped("Qwen3-30B-A3B, 2 of 48 layers, 4 bits", {
    name: "qwen3-30b-a3b-2-layers",
    config: { ...QWEN3_MOE, num_hidden_layers: 2 },
    quantized: true,
  }),
  shaped("Llama-3.2-1B, 4 of 16 layers, bfloat16", {
    name: "llama-3.2-1b-4-layers-bf16",
    config: { ...LLAMA_1B, num_hidden_layers: 4 },
    quantized: false,
  }),
];

/** Keys and values of all positions. */
const cacheBytes = ({ layers, keyHeads, headDim }: CacheShape, positions: number): number =>
  2 * layers * keyHeads * headDim * positions * FLOAT16_BYTES;

/** Of one model, in every round. */
const measure = async (
  context: BenchContext,
  { player, open }: Model,
  sizes: typeof SIZES,
): Promise<MemoryReport[]> => {
  const { threads } = context.settings;
  const job: MemoryJob = { modelPath: await open(context), threads, ...sizes };
  const program = nodeProgram(import.meta.resolve("../players/memory.ts"));
  return runRounds<MemoryReport>(context, `memory: ${player}`, program, job);
};

type Phase = "load" | "loaded" | "prompt" | "steps";

const PHASES: Readonly<Record<Phase, string>> = {
  load: "peak while loading",
  loaded: "loaded",
  prompt: "peak while reading the prompt",
  steps: "peak while answering",
};

/** The figures of one model, all above the process before it loaded. @param wanted - bytes of weights and cache */
const seriesOf = (player: string, reports: readonly MemoryReport[], wanted: readonly number[]): Series[] => {
  const figure = (metric: string, unit: string, values: number[]): Series => ({
    player,
    metric,
    unit,
    values,
  });
  const above = (phase: Phase, part: keyof ResidentMemory) =>
    reports.map((report) => report[phase][part] - report.before[part]);
  return Object.entries(PHASES).flatMap(([key, metric]) => {
    const phase = key as Phase;
    const [all, anonymous] = [above(phase, "bytes"), above(phase, "anonymousBytes")];
    const times = (bytes: number[]) => bytes.map((n, round) => n / (wanted[round] ?? Number.NaN));
    return [
      figure(
        metric,
        "MiB",
        all.map((n) => n / MIB),
      ),
      figure(
        `${metric}, without pages of files`,
        "MiB",
        anonymous.map((n) => n / MIB),
      ),
      figure(`${metric}, times weights and cache`, "", times(all)),
    ];
  });
};

const targetOf = (player: string, reports: readonly MemoryReport[], wanted: readonly number[]): Target => ({
  claim: `${player}: peak of prompt and answer, times weights and cache`,
  reached: median(
    reports.map(
      ({ before, prompt, steps }, round) =>
        (Math.max(prompt.bytes, steps.bytes) - before.bytes) / (wanted[round] ?? Number.NaN),
    ),
  ),
  limit: MOST,
  better: "lower",
});

const run = async (context: BenchContext): Promise<Findings> => {
  if (process.platform !== "linux") throw new Error("memory: only Linux says what peaks of memory were");
  const sizes = context.settings.quick ? QUICK_SIZES : SIZES;
  const findings: Findings = {
    series: [],
    targets: [],
    missing: [],
    notes: [
      `Each figure is from a fresh process, above what the engine has before it loads. A prompt of ${sizes.prompt} tokens, then ${sizes.steps} steps. Weights are their bytes on disk, the cache is of that many positions in float16.`,
      "All resident memory is the system's own count of the peak; what is no page of a file, and so cannot be taken back, is sampled every 2 ms.",
      "Shapes have random weights, 4 bits in groups of 64 or bfloat16, in several safetensors files, and a tokenizer of as many tokens as the model has.",
    ],
    details: {},
  };
  for (const model of context.settings.quick ? models.slice(0, 1) : models) {
    const { player, cache } = model;
    const reports = await measure(context, model, sizes);
    const cached = cacheBytes(cache, sizes.prompt + sizes.steps);
    const wanted = reports.map(({ weightBytes }) => weightBytes + cached);
    findings.series.push(
      { player, metric: "weights and cache", unit: "MiB", values: [median(wanted) / MIB] },
      ...seriesOf(player, reports, wanted),
    );
    findings.targets.push(targetOf(player, reports, wanted));
  }
  return findings;
};

export const memory: Benchmark = {
  name: "memory",
  question: "How much memory do loading and answering take beside weights and cache?",
  run,
};
