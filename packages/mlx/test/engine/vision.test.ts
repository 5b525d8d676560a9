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
import { ImageStore } from "../../src/generation/image-store.ts";
import { loadModel } from "../../src/load/index.ts";
import { ImagePrompt, VisionLanguageModel } from "../../src/vision/index.ts";
import { activeMemory } from "../active-memory.ts";
import { device } from "../device.ts";
import { FOUR_BITS, picture, show, writeTinyFastVlm, writeTinyLlava } from "./tiny-llava.ts";

const TOKENS_PER_IMAGE = 4;

describe("images in an engine", () => {
  let folder: string;
  let engine: Engine;
  let model: EngineModel;
  beforeAll(async () => {
    folder = await writeTinyLlava();
    engine = await startEngine({ device });
    model = await engine.load({ path: folder });
  });
  afterAll(async () => {
    await engine?.dispose();
    rmSync(folder, { recursive: true });
  });

  /** The tokens of an answer, and how many the prompt had. */
  async function answer(prompt: GenerateRequest["prompt"], more: Partial<GenerateRequest> = {}) {
    const tokens: number[] = [];
    let inputTokens = 0;
    const request = { prompt, maxTokens: 12, ignoreEos: true, ...more };
    for await (const part of model.generate(request)) {
      if (part.type === "text-delta") tokens.push(...part.tokens);
      if (part.type === "finish") inputTokens = part.usage.inputTokens;
    }
    return { tokens, inputTokens };
  }

  it("gives what tower, projector and language model give by themselves", async () => {
    const loaded = await loadModel(folder, { device });
    const { model: seeing, imageProcessor, tokenizer } = loaded;
    if (!(seeing instanceof VisionLanguageModel) || imageProcessor === undefined)
      throw new Error("sees nothing");
    const store = new ImageStore(seeing, imageProcessor);
    const [image] = await store.open([picture(1)]);
    if (image === undefined || tokenizer === undefined) throw new Error("no image");
    const tokens = await tokenizer.encode("<user><image><image><image><image>w1 w2<assistant>");
    const expected = mx.tidy(() => {
      const prompt = new ImagePrompt(seeing, tokens, [image.features()]);
      const cache = seeing.makeCache();
      let logits = prompt.forward(0, tokens.length, cache);
      return Array.from({ length: 12 }, () => {
        const next = mx.argmax(mx.index(logits, 0, -1)).item();
        logits = seeing.forward(mx.array([[next]], mx.int32), { cache });
        return next;
      });
    });
    seeing.dispose();
    expect(await answer([show("w1 w2", picture(1))])).toEqual({
      tokens: expected,
      inputTokens: tokens.length,
    });
  });

  it("sees another image otherwise", async () => {
    const [one, other] = [await answer([show("w1", picture(1))]), await answer([show("w1", picture(2))])];
    expect(one.tokens).not.toEqual(other.tokens);
  });

  it("sees several images, in any turn, in their order", async () => {
    const talk = (a: number, b: number, c: number): ChatMessage[] => [
      show("w1", picture(a), picture(b)),
      { role: "assistant", content: "w5" },
      show("w2", picture(c)),
    ];
    const first = await answer(talk(1, 2, 3));
    expect(first.inputTokens).toBe(3 * TOKENS_PER_IMAGE + 7);
    expect(await model.tokenize(talk(1, 2, 3))).toHaveLength(first.inputTokens);
    expect((await answer(talk(1, 2, 3))).tokens).toEqual(first.tokens);
    expect((await answer(talk(2, 1, 3))).tokens).not.toEqual(first.tokens);
    expect((await answer(talk(1, 2, 4))).tokens).not.toEqual(first.tokens);
  });

  it("takes a text with placeholders and its images", async () => {
    const expected = await answer([show("w1 w2", picture(1))]);
    const images = [picture(1)];
    expect(await answer("<user><image>w1 w2<assistant>", { images })).toEqual(expected);
    await expect(answer("<user>w1<assistant>", { images })).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });

  it("keeps a placeholder that a message spells out as text", async () => {
    const { inputTokens } = await answer([show("<image> w1", picture(1))]);
    expect(inputTokens).toBe(TOKENS_PER_IMAGE + 2 + (await model.tokenize([show("<image> w1")])).length - 2);
  });

  it("answers requests with and without images together as it does alone", async () => {
    const requests = [
      [show("w1", picture(1))],
      [show("w3 w4 w5")],
      [show("w2", picture(2), picture(3))],
      [show("w1", picture(1))],
    ];
    const alone = [];
    for (const request of requests) alone.push(await answer(request));
    expect(await Promise.all(requests.map((request) => answer(request)))).toEqual(alone);
  });

  it("goes on from an earlier turn with the same image, never with another one", async () => {
    const fresh = await engine.load({ path: folder });
    const cached = async (...messages: ChatMessage[]): Promise<number> => {
      let count = 0;
      for await (const part of fresh.generate({ prompt: messages, maxTokens: 2, ignoreEos: true }))
        if (part.type === "finish") count = part.usage.cachedInputTokens;
      return count;
    };
    const first = show("w1 w2", picture(1));
    const length = (await fresh.tokenize([first])).length;
    expect(await cached(first)).toBe(0);
    expect(await cached(show("w1 w2", picture(2)))).toBe(1); // <user>
    expect(await cached(first, { role: "assistant", content: "w5" }, show("w3"))).toBe(length);
    expect(await cached(show("w1 w2", picture(1), picture(2)))).toBe(1 + TOKENS_PER_IMAGE);
    expect(await cached(first)).toBe(length - 1);
    await fresh.dispose();
  });

  it.each([1, 2, 3, 5])("gives the same answer when the prompt is read %i tokens at a time", async (step) => {
    const prompt = [show("w1", picture(1)), show("w2", picture(2))];
    expect(await answer(prompt, { prefillStepSize: step })).toEqual(await answer(prompt));
  });

  it.each([
    ["no image", new Uint8Array([1, 2, 3])],
    ["a truncated one", picture(1).slice(0, 60)],
    ["an empty file", new Uint8Array()],
  ])("refuses %s, and goes on", async (_, file) => {
    await expect(answer([show("w1", file)])).rejects.toMatchObject({ code: "image" });
    expect((await answer([show("w1", picture(1))])).tokens).toHaveLength(12);
  });

  it("ends a request that is aborted while its images are prepared", async () => {
    const abort = new AbortController();
    const images = Array.from({ length: 60 }, (_, i) => picture(i));
    const request = { prompt: [show("w1", ...images)], maxTokens: 2 };
    const done = (async () => {
      for await (const _ of model.generate(request, { signal: abort.signal }));
    })();
    setImmediate(() => abort.abort());
    await expect(done).rejects.toMatchObject({ code: "aborted" });
  });

  it("says that it sees, and what its language model holds", () => {
    expect(model.info).toMatchObject({ vision: true, vocabSize: 48, contextLength: 512 });
  });

  it("loads a converted checkpoint, whose language model is quantized and whose tower is not", async () => {
    const folders = [await writeTinyLlava({ isQuantized: true }), folder];
    const answers = [];
    for (const path of folders) {
      const loaded = await engine.load({ path, quantize: path === folder ? FOUR_BITS : false });
      expect(loaded.info).toMatchObject({ vision: true, quantization: FOUR_BITS });
      const tokens: number[] = [];
      const request = { prompt: [show("w1 w2", picture(1))], maxTokens: 12, ignoreEos: true };
      for await (const part of loaded.generate(request)) {
        if (part.type === "text-delta") tokens.push(...part.tokens);
      }
      answers.push(tokens);
      await loaded.dispose();
    }
    expect(answers[0]).toEqual(answers[1]);
    rmSync(folders[0] ?? "", { recursive: true });
  });

  it("loads a checkpoint without a tower for text alone, which refuses images before any work", async () => {
    const blind = await writeTinyLlava({ hasTower: false });
    const text = await engine.load({ path: blind });
    expect(text.info.vision).toBe(false);
    const parts = text.generate({ prompt: [show("w1", new Uint8Array([1]))], maxTokens: 2 });
    await expect(parts[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "unsupported-feature",
      details: { feature: "vision" },
    });
    rmSync(blind, { recursive: true });
  });
});

describe("images whose tokens are in no vocabulary", () => {
  let folder: string;
  let engine: Engine;
  beforeAll(async () => {
    folder = await writeTinyFastVlm();
    engine = await startEngine({ device });
  });
  afterAll(async () => {
    await engine?.dispose();
    rmSync(folder, { recursive: true });
  });

  it("are seen, and no penalty is for them", async () => {
    const model = await engine.load({ path: folder });
    const answer = async (seed: number, prefillStepSize: number) => {
      const sampling = { maxTokens: 8, ignoreEos: true, repetitionPenalty: 1.2, prefillStepSize };
      const prompt = [show("w1 w2", picture(seed))];
      const tokens: number[] = [];
      for await (const part of model.generate({ prompt, ...sampling })) {
        if (part.type === "text-delta") tokens.push(...part.tokens);
        if (part.type === "finish") expect(part.usage.inputTokens).toBe(TOKENS_PER_IMAGE + 4);
      }
      return tokens;
    };
    const first = await answer(1, 512);
    expect(first).toHaveLength(8);
    expect(await answer(1, 2)).toEqual(first);
    expect(await answer(2, 512)).not.toEqual(first);
  });
});

describe("a store of images", () => {
  let folder: string;
  let model: VisionLanguageModel;
  let seen = 0;
  let open: (keptBytes?: number) => ImageStore;
  beforeAll(async () => {
    folder = await writeTinyLlava();
    const loaded = await loadModel(folder, { device });
    const { imageProcessor } = loaded;
    if (!(loaded.model instanceof VisionLanguageModel) || imageProcessor === undefined)
      throw new Error("sees nothing");
    model = loaded.model;
    const embed = model.embedImage.bind(model);
    model.embedImage = (arrays) => {
      seen += 1;
      return embed(arrays);
    };
    open = (keptBytes) => new ImageStore(model, imageProcessor, keptBytes);
  });
  afterAll(() => {
    model?.dispose();
    rmSync(folder, { recursive: true });
  });

  it("sees equal images once, also those of requests that come together", async () => {
    const store = open();
    seen = 0;
    const leases = (
      await Promise.all([store.open([picture(1), picture(1)]), store.open([picture(1)])])
    ).flat();
    for (const lease of leases) lease.features();
    for (const lease of leases) lease.release();
    const [again] = await store.open([picture(1)]);
    again?.features();
    expect(seen).toBe(1);
    store.dispose();
  });

  it("keeps no more than its limit of what nobody uses, the latest used", async () => {
    const bytes = TOKENS_PER_IMAGE * 32 * 4;
    const store = open(2 * bytes);
    const look = async (...seeds: number[]) => {
      const leases = await store.open(seeds.map(picture));
      for (const lease of leases) lease.features();
      for (const lease of leases) lease.release();
    };
    const before = activeMemory();
    await look(1, 2, 3, 4);
    const buffers = 1.25; // libmlx may compute a result in the buffer of an input that is a little larger
    expect(activeMemory() - before).toBeLessThanOrEqual(buffers * 2 * bytes);
    seen = 0;
    await look(4, 3);
    expect(seen).toBe(0);
    await look(1);
    expect(seen).toBe(1);
    store.dispose();
    expect(activeMemory()).toBeLessThanOrEqual(before);
  });

  it("keeps what is in use, whatever its limit", async () => {
    const store = open(0);
    const [lease] = await store.open([picture(1)]);
    const { embeddings } = lease?.features() ?? {};
    const others = await store.open([picture(2)]);
    for (const other of others) other.release();
    expect(embeddings?.toTypedArray()).toHaveLength(TOKENS_PER_IMAGE * 32);
    lease?.release();
    expect(() => embeddings?.toTypedArray()).toThrow();
  });
});
