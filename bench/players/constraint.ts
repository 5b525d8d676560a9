/** Times answers that a schema holds, beside free ones, through the engine as users start it. */
import { type GenerateRequest, type GenerationPart, startEngine } from "@abstractllm/mlx";
import { readJob, writeReport } from "../support/run-player.ts";

export interface ConstraintJob {
  modelPath: string;
  tokens: number;
  repeats: number;
  threads: number;
}

export interface ConstraintReport {
  /** Per token after the first, of each repeat. */
  freeMs: number[];
  heldMs: number[];
  /** To the first token: of each repeat, and of the first answer of the model that was held to anything. */
  freeStartMs: number[];
  heldStartMs: number[];
  firstHeldStartMs: number;
}

/** Long enough that no answer ends by itself: records of every kind of value. */
const SCHEMA = {
  type: "array",
  minItems: 1000,
  items: {
    type: "object",
    properties: {
      title: { type: "string" },
      kind: { enum: ["book", "film", "song"] },
      year: { type: "integer", minimum: 1800, maximum: 2100 },
      rating: { type: "number", minimum: 0, maximum: 10 },
      released: { type: "string", format: "date" },
      tags: { type: "array", items: { type: "string", pattern: "^[a-z-]{2,12}$" }, maxItems: 4 },
    },
    required: ["title", "kind", "year", "rating", "released", "tags"],
    additionalProperties: false,
  },
};

const { modelPath, tokens, repeats, threads } = readJob<ConstraintJob>();
const engine = await startEngine({ device: "cpu", threads });
const model = await engine.load({ path: modelPath });

type Finish = Extract<GenerationPart, { type: "finish" }>;

const timed = async (constraint: GenerateRequest["constraint"]): Promise<Finish["timings"]> => {
  const prompt = [{ role: "user" as const, content: "List works of art of the last century." }];
  const request = { prompt, maxTokens: tokens, logitBias: constraint === undefined ? { 2: -1000 } : {} };
  for await (const part of model.generate({ ...request, ...(constraint && { constraint }) })) {
    if (part.type !== "finish") continue;
    if (part.usage.outputTokens !== tokens)
      throw new Error(`The answer ended after ${part.usage.outputTokens} tokens`);
    return part.timings;
  }
  throw new Error("The answer has no end");
};

const perToken = ({ decodeTokensPerSecond }: Finish["timings"]): number => 1000 / decodeTokensPerSecond;

await timed(undefined);
const first = await timed({ jsonSchema: SCHEMA });
const report: ConstraintReport = {
  freeMs: [],
  heldMs: [],
  freeStartMs: [],
  heldStartMs: [],
  firstHeldStartMs: first.timeToFirstTokenMs,
};
for (let i = 0; i < repeats; i++) {
  const [alone, held] = [await timed(undefined), await timed({ jsonSchema: SCHEMA })];
  report.freeMs.push(perToken(alone));
  report.heldMs.push(perToken(held));
  report.freeStartMs.push(alone.timeToFirstTokenMs);
  report.heldStartMs.push(held.timeToFirstTokenMs);
}
await engine.dispose();
writeReport(report);
