import { type Engine, type EngineModel, type GenerateRequest, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device } from "../device.ts";
import { type Outcome, outcomeOf, outcomeOrAborted, requests } from "./mixed-requests.ts";
import { smolLM2 as path } from "./smollm2.ts";

describe("an engine with many requests at once", { timeout: 300_000 }, () => {
  let engine: Engine;
  let model: EngineModel;
  let alone: Outcome[];
  beforeAll(async () => {
    engine = await startEngine({ device });
    model = await engine.load({ path, promptCacheBytes: 0 });
    alone = [];
    for (const request of requests) alone.push(await outcomeOf(model, request));
  }, 120_000);
  afterAll(() => engine?.dispose());

  it("answers 16 requests of all kinds as it answers each alone", async () => {
    expect(await Promise.all(requests.map((request) => outcomeOf(model, request)))).toEqual(alone);
  });

  it("answers them so too when some are aborted, before, while and after they run", async () => {
    const { activeBytes } = await engine.memory();
    // every tenth, after 0, 2, 4 and 6 parts
    const abortAfter = (i: number) => (i % 10 === 3 ? (i - 3) / 5 : undefined);
    const outcomes = await Promise.all(
      Array.from({ length: 32 }, (_, i) => outcomeOrAborted(model, requests[i % 16], abortAfter(i))),
    );
    outcomes.forEach((outcome, i) => {
      expect(outcome, `request ${i}`).toEqual(i % 10 === 3 ? "aborted" : alone[i % 16]);
    });
    expect(model.busy).toBe(false);
    expect((await engine.memory()).activeBytes).toBe(activeBytes);
  });

  it("answers them so too from what earlier ones left behind", async () => {
    // what lies inside one prompt may be the end of another, which is not rounded as much
    const sixteen = { path, promptBits: 16 } as const;
    const forgetful = await engine.load({ ...sixteen, promptCacheBytes: 0 });
    const expected: Outcome[] = [];
    for (const request of requests) expected.push(await outcomeOf(forgetful, request));
    await forgetful.dispose();
    const remembering = await engine.load(sixteen);
    const all = () => Promise.all(requests.map((request) => outcomeOf(remembering, request)));
    expect(await all()).toEqual(expected);
    expect(await all()).toEqual(expected);
    await remembering.dispose();
  });

  it("lets others go on while it reads a long prompt", async () => {
    const order: string[] = [];
    const named = (name: string, request: Partial<GenerateRequest>) =>
      outcomeOf(
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
    const good = outcomeOf(model, requests[0] as GenerateRequest);
    const bad = outcomeOf(model, { prompt: new Array(8192).fill(1), maxTokens: 1 });
    await expect(bad).rejects.toMatchObject({ code: "context-length" });
    expect(await good).toEqual(alone[0]);
  });

  it("unloads a model once its answers are complete", async () => {
    const other = await engine.load({ path });
    const running = [
      outcomeOf(other, requests[0] as GenerateRequest),
      outcomeOf(other, requests[4] as GenerateRequest),
    ];
    const gone = other.dispose();
    const late = outcomeOf(other, requests[0] as GenerateRequest).catch((error: unknown) => error);
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
      return outcomeOf(
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

  it("answers them from quantized caches as it answers each alone", async () => {
    const quantized = await engine.load({ path, kvBits: 8, kvGroupSize: 32, promptCacheBytes: 0 });
    expect(quantized.info.maxBatchSize).toBe(8);
    const some = requests.slice(0, 8);
    const each: Outcome[] = [];
    for (const request of some) each.push(await outcomeOf(quantized, request));
    expect(await Promise.all(some.map((request) => outcomeOf(quantized, request)))).toEqual(each);
    await quantized.dispose();
  });

  it("goes on from quantized caches that earlier requests left behind", async () => {
    const quantized = await engine.load({ path, kvBits: 8, kvGroupSize: 32 });
    const request = { ...(requests[0] as GenerateRequest), maxTokens: 12, ignoreEos: true };
    const reused: number[] = [];
    const ask = () =>
      outcomeOf(quantized, request, {
        onPart: (part) => part.type === "finish" && reused.push(part.usage.cachedInputTokens),
      });
    await ask();
    expect(await Promise.all([ask(), ask()])).toEqual([await ask(), await ask()]);
    expect(reused[0]).toBe(0);
    expect(reused.slice(1).every((count) => count > 0)).toBe(true);
    await quantized.dispose();
  });

  it("answers one at a time from caches that are quantized later on", async () => {
    const quantized = await engine.load({ path, kvBits: 8, kvGroupSize: 32, quantizedKvStart: 4 });
    expect(quantized.info.maxBatchSize).toBe(1);
    const request = { prompt: "Once upon a time", maxTokens: 12, ignoreEos: true };
    const answers = await Promise.all([outcomeOf(quantized, request), outcomeOf(quantized, request)]);
    expect(answers[0]).toEqual(answers[1]);
    await quantized.dispose();
  });

  it.each([
    { kvBits: 3 },
    { kvBits: 8, kvGroupSize: 48 },
    { kvBits: 8, quantizedKvStart: -1 },
    { kvGroupSize: 64 },
    { quantizedKvStart: 5 },
  ])("rejects %o", async (options) => {
    await expect(engine.load({ path, ...options })).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
