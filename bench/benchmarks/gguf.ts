/** llama.cpp's predictions from the tests' GGUF files, whose logits the tests hold ours to. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { PredictionsJob, PredictionsReport } from "../players/llama-cpp-predictions.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import { installNodeLlamaCpp } from "../support/peers.ts";
import type { Findings, Series } from "../support/result.ts";
import { nodeProgram, runPlayer } from "../support/run-player.ts";

/** llama.cpp takes GELU from a table of half-precision numbers, and rounds what it multiplies MXFP4 with to 8 bits. */
const CLOSE = 0.1;

/** Sizes that no published model has, for which llama.cpp has other rules or none, and gates it computes otherwise. */
const UNLIKE = "deepseek2 exaone4 granitehybrid granitehybrid-moe jamba mamba2 phimoe plamo3".split(" ");

const QUICK = ["llama", "qwen3moe", "gemma3"];

const run = async (context: BenchContext): Promise<Findings> => {
  const peer = await installNodeLlamaCpp(context);
  if (!("found" in peer)) {
    const missing = [{ player: "node-llama-cpp", reason: peer.reason }];
    return { series: [], targets: [], missing, notes: [], details: {} };
  }
  const goldens = join(context.root, "packages", "mlx", "test", "goldens", "gguf");
  const names = readdirSync(goldens).map((file) => file.slice(0, -".gguf.gz".length));
  const folder = mkdtempSync(join(tmpdir(), "llama-cpp-"));
  const series: Series[] = [];
  const refused: Record<string, string> = {};
  try {
    for (const name of context.settings.quick ? QUICK : names) {
      context.tell(`gguf: ${name}`);
      const modelPath = join(folder, `${name}.gguf`);
      writeFileSync(modelPath, gunzipSync(readFileSync(join(goldens, `${name}.gguf.gz`))));
      const job: PredictionsJob = { packageFolder: peer.found, modelPath };
      const program = nodeProgram(import.meta.resolve("../players/llama-cpp-predictions.ts"));
      try {
        const { difference } = await runPlayer<PredictionsReport>(program, job, context.settings.threads);
        series.push({
          player: name,
          metric: "largest difference of a log-probability",
          unit: "",
          values: [difference],
        });
      } catch (error) {
        refused[name] = error instanceof Error ? error.message : String(error);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const judged = series.filter(({ player }) => !UNLIKE.includes(player));
  const close = judged.filter(({ values: [value = Number.NaN] }) => value < CLOSE);
  return {
    series,
    targets: [
      {
        claim: "files with llama.cpp's predictions",
        reached: close.length,
        limit: judged.length,
        better: "higher",
      },
    ],
    missing: [],
    notes: [`llama.cpp does not load, at these sizes: ${Object.keys(refused).join(", ") || "none"}.`],
    details: { refused },
  };
};

export const gguf: Benchmark = {
  name: "gguf",
  question: "Does llama.cpp predict the same from the same GGUF files?",
  run,
};
