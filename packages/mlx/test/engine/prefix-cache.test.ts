/** Prompts that begin as earlier ones: same answers, less work. */
import { rmSync } from "node:fs";
import {
  type ChatMessage,
  type Engine,
  type EngineModel,
  type GenerateRequest,
  startEngine,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { type TextModel, TextScheduler } from "../../src/generation/index.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { loadModel } from "../../src/load/load-model.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import { readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { smolLM2 } from "./smollm2.ts";
import { picture, writeTinyLlava } from "./tiny-llava.ts";

interface Reply {
  readonly tokens: number[];
  readonly cached: number;
}

const ask = async (
  model: EngineModel,
  request: Partial<GenerateRequest>,
  signal?: AbortSignal,
): Promise<Reply> => {
  const tokens: number[] = [];
  let cached = 0;
  const whole = { prompt: [], maxTokens: 12, ignoreEos: true, ...request };
  for await (const part of model.generate(whole, signal && { signal })) {
    if (part.type === "text-delta") tokens.push(...part.tokens);
    if (part.type === "finish") cached = part.usage.cachedInputTokens;
  }
  return { tokens, cached };
};

const say = (role: "user" | "assistant", content: string): ChatMessage => ({ role, content });
const LONG = "Tell me all there is to know about lighthouses, and leave nothing out. ".repeat(6);

describe("an engine that remembers prompts", { timeout: 120_000 }, () => {
  let engine: Engine;
  let model: EngineModel;
  let forgetful: EngineModel;
  beforeAll(async () => {
    engine = await startEngine({ device: "cpu" });
    model = await engine.load({ path: smolLM2 });
    forgetful = await engine.load({ path: smolLM2, promptCacheBytes: 0 });
  });
  afterAll(() => engine?.dispose());

  it("evaluates the turns of a conversation once, with the same answers", async () => {
    const turns: ChatMessage[] = [say("user", LONG)];
    for (const question of ["And at sea?", "And by day?"]) {
      const expected = await ask(forgetful, { prompt: turns });
      const { tokens, cached } = await ask(model, { prompt: turns });
      expect(tokens).toEqual(expected.tokens);
      expect(expected.cached).toBe(0);
      const count = (await model.tokenize(turns)).length;
      if (turns.length > 1) expect(cached).toBeGreaterThan(count - 30);
      turns.push(say("assistant", "Lighthouses shine."), say("user", question));
    }
  });

  it("evaluates all but the last token of a prompt that comes again", async () => {
    const prompt = await model.tokenize(`Once more. ${LONG}`);
    const first = await ask(model, { prompt });
    const again = await ask(model, { prompt });
    expect(again.tokens).toEqual(first.tokens);
    expect([first.cached < 16, again.cached]).toEqual([true, prompt.length - 1]);
  });

  it("lets several requests begin as one did, at once and one after another", async () => {
    const prompts = await Promise.all(
      ["red", "green", "blue", "black"].map((color) => model.tokenize(`All together. ${LONG} In ${color}`)),
    );
    const expected: number[][] = [];
    for (const prompt of prompts) expected.push((await ask(forgetful, { prompt })).tokens);
    await ask(model, { prompt: prompts[0] ?? [] });
    for (let round = 0; round < 2; round++) {
      const replies = await Promise.all(prompts.map((prompt) => ask(model, { prompt })));
      expect(replies.map(({ tokens }) => tokens)).toEqual(expected);
      for (const { cached } of replies) expect(cached).toBeGreaterThan(60);
    }
  });

  it("goes on from a prompt that was aborted while it was read", async () => {
    const prompt = (await model.tokenize(`Halfway. ${LONG.repeat(3)}`)).slice(0, 240);
    const abort = new AbortController();
    const running = ask(model, { prompt, prefillStepSize: 16 }, abort.signal);
    const other = ask(model, { prompt: [1, 2, 3], maxTokens: 4 });
    await other;
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    const { tokens, cached } = await ask(model, { prompt });
    expect(tokens).toEqual((await ask(forgetful, { prompt })).tokens);
    expect(cached).toBeGreaterThan(15);
  });

  it("forgets the least recently used, and holds no more than it may", async () => {
    const { activeBytes } = await engine.memory();
    const bytes = 4 * 2 ** 20; // of about 170 tokens
    const small = await engine.load({ path: smolLM2, promptCacheBytes: bytes });
    const before = (await engine.memory()).activeBytes;
    const prompts = await Promise.all([1, 2, 3, 4].map((i) => small.tokenize(`Number ${i}. ${LONG}`)));
    for (const prompt of prompts) await ask(small, { prompt, maxTokens: 2 });
    expect((await engine.memory()).activeBytes - before).toBeLessThanOrEqual(bytes);
    expect((await ask(small, { prompt: prompts[0] ?? [], maxTokens: 2 })).cached).toBeLessThan(16);
    await small.dispose();
    expect((await engine.memory()).activeBytes).toBeLessThanOrEqual(activeBytes);
  });

  it.each([-1, 1.5, "much"])("rejects %s for promptCacheBytes", async (promptCacheBytes) => {
    const load = engine.load({ path: smolLM2, promptCacheBytes: promptCacheBytes as number });
    await expect(load).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

describe("an engine that remembers images", () => {
  let folder: string;
  let engine: Engine;
  let model: EngineModel;
  let forgetful: EngineModel;
  beforeAll(async () => {
    folder = await writeTinyLlava();
    engine = await startEngine({ device: "cpu" });
    model = await engine.load({ path: folder, exact: true });
    forgetful = await engine.load({ path: folder, exact: true, promptCacheBytes: 0 });
  });
  afterAll(async () => {
    await engine?.dispose();
    rmSync(folder, { recursive: true });
  });

  const words = Array.from({ length: 20 }, (_, i) => `w${1 + (i % 30)}`).join(" ");
  const show = (text: string, seed: number): ChatMessage => ({
    role: "user",
    content: [
      { type: "text", text: words },
      { type: "image", image: picture(seed) },
      { type: "text", text },
    ],
  });

  it("goes on after an image that comes again, and not after another one", async () => {
    const second = (seed: number) => [show("w1", seed), say("assistant", "w2"), say("user", "w3 w4")];
    await ask(model, { prompt: [show("w1", 1)] });
    const replies = [await ask(model, { prompt: second(2) }), await ask(model, { prompt: second(1) })];
    const beforeImage = 1 + 20; // the role, and the words
    expect(replies[0]?.cached).toBe(beforeImage);
    expect(replies[1]?.cached).toBeGreaterThan(beforeImage + 4);
    for (const [i, seed] of [2, 1].entries()) {
      expect(replies[i]?.tokens).toEqual((await ask(forgetful, { prompt: second(seed) })).tokens);
    }
  });
});

/** Special tokens of the tokenizer, which give no text. */
const logitBias = Object.fromEntries(Array.from({ length: 17 }, (_, token) => [token, -1000]));

/** One kind of cache each. */
const KINDS = ["llama", "gemma3_text", "mamba2", "qwen3_next", "llama4", "deepseek_v3", "lfm2", "rwkv7"];

describe.each(KINDS)("a scheduler that remembers prompts of %s", (architecture) => {
  let text: TextModel;
  beforeAll(async () => {
    mx.setDefaultDevice("cpu");
    const golden = readModelGoldens().find((one) => one.architecture === architecture)?.cases[0];
    if (golden === undefined) throw new Error(`no golden of ${architecture}`);
    const { model } = await buildModel(golden);
    const tokenizer = (await loadModel(smolLM2, { device: "cpu" })).tokenizer as Tokenizer;
    const vocabSize = Number(golden.config.vocab_size ?? 64);
    text = { model, tokenizer, eosTokenIds: new Set(), vocabSize, contextLength: undefined, device: "cpu" };
  });
  afterAll(() => text?.model.dispose());

  it("gives the same answers, having evaluated less", async () => {
    const run = async (scheduler: TextScheduler, prompt: number[]): Promise<Reply> => {
      const tokens: number[] = [];
      let cached = 0;
      const request = { prompt, maxTokens: 8, ignoreEos: true, logitBias };
      await scheduler.generate(new TextPrompt(text.model, prompt), request, {
        emit: (part) => {
          if (part.type === "text-delta") tokens.push(...part.tokens);
          if (part.type === "finish") cached = part.usage.cachedInputTokens;
        },
      });
      return { tokens, cached };
    };
    const first = Array.from({ length: 40 }, (_, i) => 1 + ((i * 7) % 40));
    const plain = new TextScheduler(text, { promptCacheBytes: 0 });
    const remembering = new TextScheduler(text);
    const { tokens } = await run(remembering, first);
    expect((await run(plain, first)).tokens).toEqual(tokens);
    const again = await run(remembering, first);
    expect(again).toEqual({ tokens, cached: first.length - 1 });
    const longer = [...first, ...tokens.slice(0, -1), 5, 6, 7];
    const next = await run(remembering, longer);
    expect(next.tokens).toEqual((await run(plain, longer)).tokens);
    expect(next.cached).toBe(first.length + tokens.length - 1);
    remembering.dispose();
    plain.dispose();
  });
});
