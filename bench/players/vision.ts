/** This project, asked about a picture: the engine in its worker, through its streaming interface. */
import { readFile } from "node:fs/promises";
import { type GenerateRequest, startEngine } from "@abstractllm/mlx";
import { readJob, writeReport } from "../support/run-player.ts";
import type { VisionJob, VisionReport } from "./vision-job.ts";

const job = readJob<VisionJob>();
const engine = await startEngine({ device: "cpu", threads: job.threads });
const model = await engine.load({ path: job.modelPath });

const ask = async (request: Pick<GenerateRequest, "prompt" | "images">): Promise<number> => {
  for await (const part of model.generate({ ...request, maxTokens: 1, ignoreEos: true }))
    if (part.type === "finish") return part.usage.inputTokens;
  throw new Error("the answer has no end");
};

await ask({ prompt: job.warmUp });
const start = performance.now();
const inputTokens = await ask({ prompt: job.prompt, images: [await readFile(job.picturePath)] });
const report: VisionReport = { version: "", firstTokenMs: performance.now() - start, inputTokens };
await engine.dispose();
writeReport(report);
