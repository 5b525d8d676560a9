/** llama.cpp's own predictions for the tokens that a GGUF golden carries, beside the logits it carries. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { readJob, writeReport } from "../support/run-player.ts";

export interface PredictionsJob {
  packageFolder: string;
  modelPath: string;
}

export interface PredictionsReport {
  version: string;
  /** Largest difference of a logarithm of a probability. */
  difference: number;
  /** Share of positions with the same most likely token. */
  agreement: number;
}

type Input = readonly [token: number, options: { generateNext: { probabilities: true } }];

/** The part of node-llama-cpp 3.22 used here; it is installed beside the project, not in it. */
interface NodeLlamaCpp {
  getLlama(options: Record<string, unknown>): Promise<{
    loadModel(options: Record<string, unknown>): Promise<{
      readonly fileInfo: {
        readonly metadata: { readonly golden: Record<"tokens" | "logits", ArrayLike<number>> };
      };
      createContext(options: Record<string, unknown>): Promise<{
        getSequence(): {
          controlledEvaluate(
            input: readonly Input[],
          ): Promise<({ next: { probabilities?: Map<number, number> } } | undefined)[]>;
        };
      }>;
    }>;
  }>;
}

const { packageFolder, modelPath } = readJob<PredictionsJob>();
const { version } = JSON.parse(readFileSync(`${packageFolder}/package.json`, "utf8")) as { version: string };
const { getLlama } = (await import(pathToFileURL(`${packageFolder}/dist/index.js`).href)) as NodeLlamaCpp;
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: "error" });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({
  contextSize: 64,
  batchSize: 64,
  flashAttention: false,
  experimentalKvCacheKeyType: "F32",
  experimentalKvCacheValueType: "F32",
});
const { golden } = model.fileInfo.metadata;
const [tokens, logits] = [Array.from(golden.tokens), Array.from(golden.logits)];
const width = logits.length / tokens.length;
const answers = await context
  .getSequence()
  .controlledEvaluate(tokens.map((token) => [token, { generateNext: { probabilities: true } }]));

const compare = (row: readonly number[], probabilities: ReadonlyMap<number, number>) => {
  const top = Math.max(...row);
  const total = top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
  const differences = [...probabilities].map(([id, p]) => Math.abs(Math.log(p) - ((row[id] ?? 0) - total)));
  const [best] = [...probabilities].reduce((most, entry) => (entry[1] > most[1] ? entry : most));
  return { difference: Math.max(...differences), agrees: best === row.indexOf(top) };
};

const found = answers.map((answer, i) =>
  compare(logits.slice(i * width, (i + 1) * width), answer?.next.probabilities ?? new Map()),
);
const report: PredictionsReport = {
  version,
  difference: Math.max(...found.map(({ difference }) => difference)),
  agreement: found.filter(({ agrees }) => agrees).length / found.length,
};
writeReport(report);
process.exit(0);
