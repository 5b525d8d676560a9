/** node-llama-cpp through its own streaming interface: same file, same threads, no GPU, no reuse of prefixes. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { readJob, writeReport } from "../support/run-player.ts";
import type { GenerationJob } from "./generation-job.ts";
import { measureGeneration } from "./measure-generation.ts";

/** The part of node-llama-cpp 3.22 used here; it is installed beside the project, not in it. */
interface NodeLlamaCpp {
  getLlama(options: Record<string, unknown>): Promise<{
    loadModel(options: { modelPath: string }): Promise<{
      createContext(options: Record<string, unknown>): Promise<{ getSequence(): Sequence }>;
    }>;
    dispose(): Promise<void>;
  }>;
  LlamaCompletion: new (options: {
    contextSequence: Sequence;
  }) => {
    generateCompletion(prompt: readonly number[], options: Record<string, unknown>): Promise<string>;
  };
}

interface Sequence {
  readonly nextTokenIndex: number;
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
}

const CONTEXT_SIZE = 2048; // holds every prompt and answer of the benchmark

const job = readJob<GenerationJob & { packageFolder: string }>();
const { version } = JSON.parse(readFileSync(`${job.packageFolder}/package.json`, "utf8")) as {
  version: string;
};
const { getLlama, LlamaCompletion } = (await import(
  pathToFileURL(`${job.packageFolder}/dist/index.js`).href
)) as NodeLlamaCpp;
const llama = await getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  maxThreads: job.threads,
  logLevel: "error",
});

const report = await measureGeneration(version, job, async () => {
  const model = await llama.loadModel({ modelPath: job.modelPath });
  const context = await model.createContext({
    contextSize: CONTEXT_SIZE,
    sequences: 1,
    threads: job.threads,
  });
  const sequence = context.getSequence();
  const completion = new LlamaCompletion({ contextSequence: sequence });
  return {
    generate: async (prompt, maxTokens, onText) => {
      await sequence.clearHistory();
      let tokens = 0;
      let reported = 0;
      await completion.generateCompletion(prompt, {
        maxTokens,
        temperature: 0,
        repeatPenalty: false, // on by default, which would not be greedy
        onToken: (added: readonly number[]) => {
          tokens += added.length;
        },
        onTextChunk: (text: string) => {
          onText(text, tokens - reported);
          reported = tokens;
        },
      });
      if (sequence.nextTokenIndex < prompt.length) throw new Error("The prompt was not evaluated");
      return { tokens };
    },
    prefill: async (prompt) => {
      await sequence.clearHistory();
      await sequence.evaluateWithoutGeneratingNewTokens(prompt);
    },
  };
});
await llama.dispose();
writeReport(report);
