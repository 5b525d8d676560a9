import {
  type Engine,
  type EngineModel,
  type GenerateRequest,
  type GenerationPart,
  startEngine,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smolLM2 as path } from "./smollm2.ts";

interface Outcome {
  tokens: number[];
  text: string;
  raw: string;
}

const answer = async (
  model: EngineModel,
  request: GenerateRequest,
  { signal, onPart }: { signal?: AbortSignal; onPart?: (part: GenerationPart) => void } = {},
): Promise<Outcome> => {
  const outcome: Outcome = { tokens: [], text: "", raw: "" };
  for await (const part of model.generate(request, signal && { signal })) {
    onPart?.(part);
    if (part.type === "finish") outcome.raw = part.rawFinishReason;
    else {
      outcome.tokens.push(...part.tokens);
      outcome.text += part.text;
    }
  }
  return outcome;
};

const topics = ["rivers", "the moon", "bread", "old maps", "a lighthouse", "chess", "winter", "copper"];
const prompt = (i: number): string =>
  `${"Answer shortly and clearly. ".repeat(1 + ((i * 7) % 30))}Tell me about ${topics[i % topics.length]}.`;

const requests: GenerateRequest[] = Array.from({ length: 16 }, (_, i) => ({
  prompt: i % 2 === 0 ? prompt(i) : [{ role: "user", content: prompt(i) }],
  maxTokens: 4 + ((i * 13) % 37),
  ignoreEos: i % 5 === 0,
  ...(i % 4 === 1 ? { temperature: 0.8, topP: 0.95, seed: i } : {}),
  ...(i % 4 === 2 ? { repetitionPenalty: 1.2, presencePenalty: 0.3 } : {}),
  ...(i % 4 === 3 ? { stop: [".", "\n\n"] } : {}),
}));

describe("an engine with many requests at once", { timeout: 300_000 }, () => {
  let engine: Engine;
  let model: EngineModel;
  let alone: Outcome[];
  beforeAll(async () => {
    engine = await startEngine({ device: "cpu" });
    model = await engine.load({ path });
    alone = [];
    for (const request of requests) alone.push(await answer(model, request));
  }, 120_000);
  afterAll(() => engine?.dispose());

  it("answers 16 requests of all kinds as it answers each alone", async () => {
    expect(await Promise.all(requests.map((request) => answer(model, request)))).toEqual(alone);
  });

  it("answers them so too when some are aborted, before, while and after they run", async () => {
    const { activeBytes } = await engine.memory();
    const run = async (i: number): Promise<Outcome | "aborted"> => {
      const abort = new AbortController();
      const parts = i % 10 === 3 ? (i - 3) / 5 : undefined; // after 0, 2, 4, ... parts
      if (parts === 0) queueMicrotask(() => abort.abort());
      let seen = 0;
      const onPart = () => {
        seen += 1;
        if (seen === parts) abort.abort();
      };
      return answer(model, requests[i % 16] as GenerateRequest, { signal: abort.signal, onPart }).catch(
        (error) => {
          expect(error).toMatchObject({ code: "aborted" });
          return "aborted";
        },
      );
    };
    const outcomes = await Promise.all(Array.from({ length: 32 }, (_, i) => run(i)));
    outcomes.forEach((outcome, i) => {
      expect(outcome, `request ${i}`).toEqual(i % 10 === 3 ? "aborted" : alone[i % 16]);
    });
    expect(model.busy).toBe(false);
    expect((await engine.memory()).activeBytes).toBe(activeBytes);
  });

  it("lets others go on while it reads a long prompt", async () => {
    const order: string[] = [];
    const named = (name: string, request: Partial<GenerateRequest>) =>
      answer(
        model,
        { prompt: [1, 2, 3], maxTokens: 12, ignoreEos: true, ...request },
        { onPart: () => order.push(name) },
      );
    const long = new Array(900).fill(0).map((_, i) => 1000 + (i % 5000));
    const first = named("running", { maxTokens: 20 });
    const slow = [
      named("long", { prompt: long, prefillStepSize: 32 }),
      named("long", { prompt: long, prefillStepSize: 32 }),
    ];
    const short = named("short", {});
    await Promise.all([first, ...slow, short]);
    const until = order.indexOf("long");
    const count = (name: string) => order.slice(0, until).filter((other) => other === name).length;
    expect(count("running")).toBe(order.filter((name) => name === "running").length);
    expect(count("short")).toBe(order.filter((name) => name === "short").length);
  });

  it("fails a bad request alone", async () => {
    const good = answer(model, requests[0] as GenerateRequest);
    const bad = answer(model, { prompt: new Array(8192).fill(1), maxTokens: 1 });
    await expect(bad).rejects.toMatchObject({ code: "context-length" });
    expect(await good).toEqual(alone[0]);
  });

  it("unloads a model once its answers are complete", async () => {
    const other = await engine.load({ path });
    const running = [
      answer(other, requests[0] as GenerateRequest),
      answer(other, requests[4] as GenerateRequest),
    ];
    const gone = other.dispose();
    const late = answer(other, requests[0] as GenerateRequest).catch((error: unknown) => error);
    expect(await Promise.all(running)).toEqual([alone[0], alone[4]]);
    await gone;
    expect(await late).toMatchObject({ code: "disposed" });
  });

  it("answers no more than maxBatchSize at once", async () => {
    const narrow = await engine.load({ path, maxBatchSize: 2 });
    expect([model.info.maxBatchSize, narrow.info.maxBatchSize]).toEqual([8, 2]);
    let [begun, ended, most] = [0, 0, 0];
    const one = (maxTokens: number) => {
      let isFirst = true;
      return answer(
        narrow,
        { prompt: "Once upon a time", maxTokens, ignoreEos: true },
        {
          onPart: (part) => {
            if (isFirst) most = Math.max(most, ++begun - ended);
            isFirst = false;
            if (part.type === "finish") ended += 1;
          },
        },
      );
    };
    await Promise.all([one(6), one(9), one(12), one(4), one(8)]);
    expect({ begun, ended, most }).toEqual({ begun: 5, ended: 5, most: 2 });
    await narrow.dispose();
  });

  it.each([0, 1.5, 1025, "many"])("rejects %s for maxBatchSize", async (maxBatchSize) => {
    const load = engine.load({ path, maxBatchSize: maxBatchSize as number });
    await expect(load).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
