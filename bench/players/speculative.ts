/** Times answers with prompt lookup, beside the same without, through the engine as users start it. */
import { type GenerationPart, startEngine } from "@abstractllm/mlx";
import { readJob, writeReport } from "../support/run-player.ts";

export interface SpeculativeJob {
  modelPath: string;
  tokens: number;
  repeats: number;
  threads: number;
  /** What is asked, by name. */
  tasks: Readonly<Record<string, string>>;
}

/** Of one task. */
export interface SpeculativeTimes {
  /** Per token after the first, of each repeat. */
  plainMs: number[];
  lookupMs: number[];
  draftedTokens: number;
  acceptedTokens: number;
}

export type SpeculativeReport = Record<string, SpeculativeTimes>;

const { modelPath, tokens, repeats, threads, tasks } = readJob<SpeculativeJob>();
const engine = await startEngine({ device: "cpu", threads });
const model = await engine.load({ path: modelPath });

type Timings = Extract<GenerationPart, { type: "finish" }>["timings"];

const timed = async (content: string, promptLookup: boolean): Promise<Timings> => {
  const prompt = [{ role: "user" as const, content }];
  const request = { prompt, maxTokens: tokens, ignoreEos: true, promptLookup };
  for await (const part of model.generate(request)) if (part.type === "finish") return part.timings;
  throw new Error("The answer has no end");
};

const perToken = ({ decodeTokensPerSecond }: Timings): number => 1000 / decodeTokensPerSecond;

const report: SpeculativeReport = {};
for (const [name, content] of Object.entries(tasks)) {
  await timed(content, true);
  const times: SpeculativeTimes = { plainMs: [], lookupMs: [], draftedTokens: 0, acceptedTokens: 0 };
  for (let i = 0; i < repeats; i++) {
    const [plain, lookup] = [await timed(content, false), await timed(content, true)];
    times.plainMs.push(perToken(plain));
    times.lookupMs.push(perToken(lookup));
    times.draftedTokens = lookup.draftedTokens ?? 0;
    times.acceptedTokens = lookup.acceptedTokens ?? 0;
  }
  report[name] = times;
}
await engine.dispose();
writeReport(report);
