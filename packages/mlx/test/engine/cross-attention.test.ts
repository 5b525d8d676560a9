/** Images that tokens attend across to, through an engine. */
import { rmSync } from "node:fs";
import {
  type ChatMessage,
  type Engine,
  type EngineModel,
  type GenerateRequest,
  startEngine,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { ImageStore } from "../../src/generation/image-store.ts";
import { loadModel } from "../../src/load/index.ts";
import { ImagePrompt, VisionLanguageModel } from "../../src/vision/index.ts";
import { device } from "../device.ts";
import { picture, show, writeTinyMllama } from "./tiny-llava.ts";

let folder: string;
let engine: Engine;
let model: EngineModel;
beforeAll(async () => {
  folder = await writeTinyMllama();
  engine = await startEngine({ device });
  model = await engine.load({ path: folder });
});
afterAll(async () => {
  await engine?.dispose();
  rmSync(folder, { recursive: true });
});

/** The tokens of an answer. */
async function answer(prompt: GenerateRequest["prompt"], more: Partial<GenerateRequest> = {}) {
  const tokens: number[] = [];
  for await (const part of model.generate({ prompt, maxTokens: 12, ignoreEos: true, ...more })) {
    if (part.type === "text-delta") tokens.push(...part.tokens);
  }
  return tokens;
}

const talk = (a: number, b: number, c: number): ChatMessage[] => [
  show("w1", picture(a), picture(b)),
  { role: "assistant", content: "w5" },
  show("w2", picture(c)),
];

it("gives what tower and language model give by themselves", async () => {
  const { model: seeing, imageProcessor, tokenizer } = await loadModel(folder, { device });
  if (!(seeing instanceof VisionLanguageModel) || imageProcessor === undefined || tokenizer === undefined)
    throw new Error("sees nothing");
  const [image] = await new ImageStore(seeing, imageProcessor).open([picture(1)]);
  if (image === undefined) throw new Error("no image");
  const tokens = await tokenizer.encode("<|begin_of_text|><user><|image|>w1 w2<assistant>");
  const expected = mx.tidy(() => {
    const cache = seeing.makeCache();
    let logits = new ImagePrompt(seeing, tokens, [image.features()]).forward(0, tokens.length, cache);
    return Array.from({ length: 12 }, () => {
      const next = mx.argmax(mx.index(logits, 0, -1)).item();
      logits = seeing.forward(mx.array([[next]], mx.int32), { cache });
      return next;
    });
  });
  seeing.dispose();
  expect(await answer([show("w1 w2", picture(1))])).toEqual(expected);
});

it("sees the latest image, and what was said of earlier ones", async () => {
  const first = await answer(talk(1, 2, 3));
  expect(await answer(talk(1, 2, 4))).not.toEqual(first);
  expect(await answer(talk(1, 5, 3))).not.toEqual(first);
  expect(await answer([show("w1"), show("w2")])).not.toEqual(
    await answer([show("w1"), show("w2", picture(3))]),
  );
});

it("answers requests with one image, several and none together as it does alone", async () => {
  const requests = [[show("w1", picture(1))], [show("w3 w4 w5")], talk(1, 2, 3), [show("w2 w3")]];
  const lengths = [12, 20, 4, 9];
  const ask = (request: ChatMessage[], i: number) => answer(request, { maxTokens: lengths[i] ?? 1 });
  const alone = [];
  for (const [i, request] of requests.entries()) alone.push(await ask(request, i));
  expect(await Promise.all(requests.map(ask))).toEqual(alone);
});

it.each([1, 2, 3, 5])("gives the same answer when the prompt is read %i tokens at a time", async (step) => {
  const prompt = [show("w1"), ...talk(1, 2, 3)];
  expect(await answer(prompt, { prefillStepSize: step })).toEqual(await answer(prompt));
});

it("counts no image among the words that a penalty makes less likely", async () => {
  const tokens = await answer([show("w1", picture(1))], { repetitionPenalty: 1.3 });
  expect(tokens.every((token) => token < 43)).toBe(true);
  expect(tokens).not.toEqual(await answer([show("w1", picture(1))]));
});
