/** Peak memory of loading a model and of one answer, each part of it apart. */
import { startEngine } from "@abstractllm/mlx";
import { type ResidentMemory, residentMemory, watchPeak } from "../support/resident-memory.ts";
import { readJob, writeReport } from "../support/run-player.ts";

export interface MemoryJob {
  modelPath: string;
  threads: number;
  /** Tokens of the prompt, and steps behind its first token. */
  prompt: number;
  steps: number;
}

export interface MemoryReport {
  /** Bytes of the weights on disk. */
  weightBytes: number;
  /** The engine before it loads. */
  before: ResidentMemory;
  load: ResidentMemory;
  /** Loaded, before the prompt. */
  loaded: ResidentMemory;
  prompt: ResidentMemory;
  steps: ResidentMemory;
}

/** Ids that every vocabulary has, and whose texts end in no half character. */
const [FIRST_ID, IDS] = [100, 1000];

const job = readJob<MemoryJob>();
const engine = await startEngine({ device: "cpu", threads: job.threads });
const before = residentMemory();

let peak = watchPeak();
const model = await engine.load({ path: job.modelPath });
const load = peak();
const loaded = residentMemory();

const prompt = Array.from({ length: job.prompt }, (_, i) => FIRST_ID + (i % IDS));
let ofPrompt: ResidentMemory | undefined;
peak = watchPeak();
for await (const part of model.generate({ prompt, maxTokens: 1 + job.steps, ignoreEos: true })) {
  if (part.type !== "text-delta" || ofPrompt !== undefined) continue;
  ofPrompt = peak();
  peak = watchPeak();
}
const steps = peak();
if (ofPrompt === undefined) throw new Error("the answer has no text");
const { weightBytes } = model.info;
await engine.dispose();
writeReport({ weightBytes, before, load, loaded, prompt: ofPrompt, steps } satisfies MemoryReport);
