/** A model whose encoder reads the prompt, images and all, through an engine. */
import { rmSync } from "node:fs";
import { type Engine, type EngineModel, type GenerateRequest, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { decodeImage } from "../../src/images/index.ts";
import { loadModel } from "../../src/load/index.ts";
import { toImageArrays, VisionLanguageModel } from "../../src/vision/index.ts";
import { device } from "../device.ts";
import { picture, writeTinyFlorence2 } from "./tiny-llava.ts";

const TOKENS_PER_IMAGE = 5;
const POSITIONS = 48;
const MARKS = ["<s>", "</s>", "<pad>"];

let folder: string;
let engine: Engine;
let model: EngineModel;
beforeAll(async () => {
  folder = await writeTinyFlorence2();
  engine = await startEngine({ device });
  model = await engine.load({ path: folder });
});
afterAll(async () => {
  await engine?.dispose();
  rmSync(folder, { recursive: true });
});

/** The tokens of an answer, and what was counted. */
async function answer(
  prompt: string,
  images: Uint8Array[] = [],
  more: Partial<GenerateRequest> = {},
  asked = model,
) {
  const tokens: number[] = [];
  const request = { prompt, images, maxTokens: 12, ignoreEos: true, keepSpecialTokens: MARKS, ...more };
  for await (const part of asked.generate(request)) {
    if (part.type === "text-delta") tokens.push(...part.tokens);
    if (part.type === "finish") return { tokens, usage: part.usage, why: part.rawFinishReason };
  }
  throw new Error("the answer has no end");
}

/** Greedy tokens of the model by itself. */
async function byHand(words: number[], images: Uint8Array[], count: number): Promise<number[]> {
  const { model: seeing, imageProcessor } = await loadModel(folder, { device });
  if (!(seeing instanceof VisionLanguageModel) || imageProcessor === undefined)
    throw new Error("sees nothing");
  const encoder = seeing.promptEncoder;
  if (encoder === undefined) throw new Error("has no encoder");
  const decoded = await Promise.all(images.map((image) => decodeImage(image)));
  const tokens = mx.tidy(() => {
    const features = decoded.map(
      (image) => seeing.embedImage(toImageArrays(imageProcessor.process(image))).embeddings,
    );
    const spoken = mx.index(seeing.embed(mx.array([words], mx.int32)), 0);
    const states = encoder.encode(mx.expandDims(mx.concatenate([...features, spoken]), 0));
    const said = [...encoder.start];
    // all of it again for each token: no cache is trusted
    for (let i = 0; i < count; i++) {
      const logits = seeing.forward(mx.array([said], mx.int32), { states });
      said.push(mx.argmax(mx.index(logits, 0, -1)).item());
    }
    return said.slice(encoder.start.length);
  });
  seeing.dispose();
  return tokens;
}

const [BOS, EOS] = [40, 41];

it("answers about an image as encoder and decoder do by themselves", async () => {
  const { tokens, usage } = await answer("w1 w2 w3", [picture(1)]);
  expect(tokens).toEqual(await byHand([BOS, 1, 2, 3, EOS], [picture(1)], 12));
  expect(usage).toMatchObject({ inputTokens: TOKENS_PER_IMAGE + 5, outputTokens: 12, cachedInputTokens: 0 });
});

it("answers words alone", async () => {
  const { tokens, usage } = await answer("w1 w2 w3");
  expect(tokens).toEqual(await byHand([1, 2, 3], [], 12));
  expect(usage.inputTokens).toBe(3);
});

it("sees another image, and reads other words, otherwise", async () => {
  const { tokens } = await answer("w1 w2", [picture(1)]);
  expect((await answer("w1 w2", [picture(2)])).tokens).not.toEqual(tokens);
  expect((await answer("w2 w1", [picture(1)])).tokens).not.toEqual(tokens);
});

it("answers requests with and without images together as it does alone", async () => {
  const requests: [string, Uint8Array[], number][] = [
    ["w1 w2", [picture(1)], 12],
    ["w3 w4 w5 w6 w7 w8 w9", [], 20],
    ["w3", [picture(2)], 4],
    ["w2 w3", [picture(1)], 9],
  ];
  const ask = ([prompt, images, maxTokens]: (typeof requests)[number]) =>
    answer(prompt, images, { maxTokens }).then(({ tokens }) => tokens);
  const alone = [];
  for (const request of requests) alone.push(await ask(request));
  expect(await Promise.all(requests.map(ask))).toEqual(alone);
});

it("takes nothing from an earlier request, whose start every answer shares", async () => {
  const first = await answer("w5 w6", [picture(3)]);
  const second = await answer("w5 w6", [picture(3)]);
  expect(second.tokens).toEqual(first.tokens);
  expect(second.usage.cachedInputTokens).toBe(0);
});

it("ends an answer where the decoder has no positions left, however long the prompt was", async () => {
  const { usage, why } = await answer("w1 w2 w3", [picture(1)], { maxTokens: 1000 });
  expect(why).toBe("context-length");
  expect(usage.outputTokens).toBe(POSITIONS - 2);
});

it("refuses a prompt for which the encoder has no positions, and tokens that are none", async () => {
  const long = Array(POSITIONS + 1)
    .fill("w1")
    .join(" ");
  await expect(answer(long)).rejects.toMatchObject({ code: "context-length" });
  const ids = (...prompt: number[]) =>
    model.generate({ prompt, maxTokens: 1 })[Symbol.asyncIterator]().next();
  await expect(ids(1, 4000)).rejects.toThrow("outside of the vocabulary");
  await expect(ids(1, 43)).rejects.toThrow("outside of the vocabulary"); // no image for the image's token
});

it("counts what was said for penalties, not what was asked", async () => {
  const plain = await answer("w1 w2", [picture(1)]);
  const penalized = await answer("w1 w2", [picture(1)], { repetitionPenalty: 1.5 });
  expect(penalized.tokens).not.toEqual(plain.tokens);
  expect(penalized.tokens.every((token) => token < 43)).toBe(true);
});

it("repeats no run of tokens where its settings say so, and warns that it has no beams", async () => {
  const path = await writeTinyFlorence2({ no_repeat_ngram_size: 2, num_beams: 3 });
  const other = await engine.load({ path });
  expect(other.info.warnings).toEqual([expect.stringContaining("3 beams")]);
  expect(model.info.warnings).toEqual([]);
  const pairs = async (asked: EngineModel) => {
    const { tokens } = await answer("w1 w2", [picture(1)], { maxTokens: 30 }, asked);
    return tokens.slice(1).map((token, i) => `${tokens[i]} ${token}`);
  };
  const [kept, plain] = [await pairs(other), await pairs(model)];
  expect(new Set(kept).size).toBe(kept.length);
  expect(new Set(plain).size).toBeLessThan(plain.length);
  await other.dispose();
  rmSync(path, { recursive: true });
});
