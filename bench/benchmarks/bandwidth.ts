/** Decode against the machine: the bytes each token reads, over the rate at which this machine reads them. */
import { startEngine } from "@abstractllm/mlx";
import type { GenerationJob, GenerationReport } from "../players/generation-job.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import { createBandwidthMeter } from "../support/read-bandwidth.ts";
import type { Findings } from "../support/result.ts";
import { nodeProgram, runPlayer } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";

const GB = 1e9;
/** Larger than any cache: the rate of memory itself. */
const LARGE_BYTES = 2 * GB;
const PLAYER = "this machine";

/** The prompt, and the bytes of weights that each token reads: all of them, the tied embedding as output matrix. */
const prepare = async (context: BenchContext): Promise<{ prompt: number[]; weightBytes: number }> => {
  const engine = await startEngine({ device: "cpu" });
  try {
    const model = await engine.load({ path: context.modelPath });
    const prompt = await model.tokenize("Once upon a time, in a small village by the sea,");
    return { prompt, weightBytes: model.info.weightBytes };
  } finally {
    await engine.dispose();
  }
};

const decodeRate = async (context: BenchContext, prompt: readonly number[]): Promise<number> => {
  const tokens = context.settings.quick ? 8 : 128;
  const job: GenerationJob = {
    device: "cpu",
    modelPath: context.modelPath,
    threads: context.settings.threads,
    warmUp: { prompt, tokens: Math.min(tokens, 32) },
    prefill: prompt,
    firstToken: null,
    decode: { prompt, tokens },
  };
  const program = nodeProgram(import.meta.resolve("../players/abstractllm.ts"));
  const { decode } = await runPlayer<GenerationReport>(program, job, context.settings.threads);
  return (decode.tokens * 1000) / decode.ms;
};

const run = async (context: BenchContext): Promise<Findings> => {
  const { rounds } = context.settings;
  const { prompt, weightBytes } = await prepare(context);
  const read = await createBandwidthMeter(context);
  const small: number[] = [];
  const large: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    context.tell(`bandwidth: round ${round + 1} of ${rounds}`);
    const [ofWeights = [], ofMemory = []] = await read([weightBytes, LARGE_BYTES]);
    small.push(Math.max(...ofWeights) / GB);
    large.push(Math.max(...ofMemory) / GB);
    rates.push(await decodeRate(context, prompt));
  }
  const limits = small.map((rate) => (rate * GB) / weightBytes);
  const fractions = rates.map((rate, round) => rate / (limits[round] ?? Number.NaN));
  const megabytes = Math.round(weightBytes / 1e6);
  return {
    series: [
      { player: PLAYER, metric: `reading ${megabytes} MB`, unit: "GB/s", values: small },
      { player: PLAYER, metric: "reading 2 GB", unit: "GB/s", values: large },
      { player: PLAYER, metric: "decode limit", unit: "tokens/s", values: limits },
      { player: PLAYER, metric: "decode", unit: "tokens/s", values: rates },
      { player: PLAYER, metric: "decode, part of the limit", unit: "", values: fractions },
    ],
    targets: [
      { claim: "decode, part of the limit", reached: median(fractions), limit: 0.4, better: "higher" },
    ],
    missing: [],
    notes: [
      `Limit: the weights (${megabytes} MB, read once per token) over the rate at which ${context.settings.threads} threads read as many bytes in order, again and again, best of 20 passes; the cache of keys and values comes on top.`,
    ],
    details: { weightBytes },
  };
};

export const bandwidth: Benchmark = {
  name: "bandwidth",
  question: "How close does decoding come to the rate at which this machine can read the model's weights?",
  run,
};
