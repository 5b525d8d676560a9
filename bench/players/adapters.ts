/** Times answers with adapters beside those of the model alone, through the engine as users start it. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EngineModel, startEngine } from "@abstractllm/mlx";
import { type RandomAdapter, writeRandomAdapter } from "../support/random-adapter.ts";
import { readJob, writeReport } from "../support/run-player.ts";

export interface AdaptersJob {
  modelPath: string;
  tokens: number;
  repeats: number;
  threads: number;
  /** By name. */
  adapters: Readonly<Record<string, RandomAdapter>>;
}

/** Tokens per second after the first, of each repeat. */
export interface AdaptersReport {
  /** The model without adapters. */
  base: number[];
  /** The model with all of them, asked for none. */
  unasked: number[];
  /** By the adapter's name. */
  asked: Record<string, number[]>;
}

const { modelPath, tokens, repeats, threads, adapters } = readJob<AdaptersJob>();
const folder = mkdtempSync(join(tmpdir(), "adapters-"));
const folders = Object.entries(adapters).map(([name, adapter], i) => {
  const path = join(folder, String(i));
  mkdirSync(path);
  writeRandomAdapter(path, adapter);
  return [name, path] as const;
});

const engine = await startEngine({ device: "cpu", threads });
// remembering prompts would have all but the first answer skip them
const options = { path: modelPath, promptCacheBytes: 0 };
const alone = await engine.load(options);
const adapted = await engine.load({ ...options, adapters: Object.fromEntries(folders) });
rmSync(folder, { recursive: true });

const prompt = "Rain falls on the hills, and the rivers carry it to the sea. The";

const rate = async (model: EngineModel, adapter?: string): Promise<number> => {
  const request = { prompt, maxTokens: tokens, ignoreEos: true, ...(adapter && { adapter }) };
  for await (const part of model.generate(request)) {
    if (part.type === "finish") return part.timings.decodeTokensPerSecond;
  }
  throw new Error("The answer has no end");
};

const names = Object.keys(adapters);
const report: AdaptersReport = {
  base: [],
  unasked: [],
  asked: Object.fromEntries(names.map((name) => [name, []])),
};
for (let i = -1; i < repeats; i++) {
  const base = await rate(alone);
  const unasked = await rate(adapted);
  if (i >= 0) {
    report.base.push(base);
    report.unasked.push(unasked);
  }
  for (const name of names) {
    const asked = await rate(adapted, name);
    if (i >= 0) report.asked[name]?.push(asked);
  }
}
await engine.dispose();
writeReport(report);
