/** This project: the engine in its worker, through its streaming interface. */
import { startEngine } from "@abstractllm/mlx";
import { readJob, writeReport } from "../support/run-player.ts";
import type { GenerationJob } from "./generation-job.ts";
import { measureGeneration } from "./measure-generation.ts";

const job = readJob<GenerationJob>();
const engine = await startEngine({ device: job.device });

const report = await measureGeneration("", job, async () => {
  // remembering prompts would have it skip those of the warm-up
  const model = await engine.load({ path: job.modelPath, promptCacheBytes: 0 });
  const generate = async (
    prompt: readonly number[],
    maxTokens: number,
    onText: (text: string, tokens: number) => void,
  ): Promise<{ tokens: number }> => {
    let tokens = 0;
    for await (const part of model.generate({ prompt, maxTokens, ignoreEos: true })) {
      if (part.type === "text-delta") onText(part.text, part.tokens.length);
      if (part.type === "finish") tokens = part.usage.outputTokens;
    }
    return { tokens };
  };
  return {
    generate,
    // the engine evaluates prompts only to continue them: one token more than its peer computes
    prefill: async (prompt) => {
      await generate(prompt, 1, () => {});
    },
    weightBytes: model.info.weightBytes,
  };
});
await engine.dispose();
writeReport(report);
