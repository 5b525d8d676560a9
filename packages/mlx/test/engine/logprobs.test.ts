/** Log probabilities of answers and prompts beside those of a plain forward. */
import {
  type Engine,
  type EngineModel,
  type GenerateRequest,
  type PromptTokenLogprob,
  startEngine,
  type TokenLogprob,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { type LoadedModel, loadModel } from "../../src/load/load-model.ts";
import { device } from "../device.ts";
import { smolLM2 as path } from "./smollm2.ts";

const prompt = "The three primary colours are";
const TOLERANCE = 1e-4;

interface Outcome {
  text: string;
  /** What came beside each text. */
  pieces: { text: string; tokens: number[]; logprobs: TokenLogprob[] }[];
  logprobs: TokenLogprob[];
  promptLogprobs: PromptTokenLogprob[];
  outputTokens: number;
}

const generate = async (model: EngineModel, request: Partial<GenerateRequest>): Promise<Outcome> => {
  const outcome: Outcome = { text: "", pieces: [], logprobs: [], promptLogprobs: [], outputTokens: -1 };
  for await (const part of model.generate({ prompt, maxTokens: 8, ...request })) {
    if (part.type === "prompt-logprobs") outcome.promptLogprobs = part.logprobs;
    if (part.type === "finish") outcome.outputTokens = part.usage.outputTokens;
    if (part.type !== "text-delta") continue;
    const { text, tokens, logprobs = [] } = part;
    outcome.text += text;
    outcome.pieces.push({ text, tokens, logprobs });
    outcome.logprobs.push(...logprobs);
  }
  return outcome;
};

const idsOf = (tokens: readonly { id: number }[]): number[] => tokens.map(({ id }) => id);

describe("log probabilities", () => {
  let engine: Engine;
  let model: EngineModel;
  let loaded: LoadedModel;
  beforeAll(async () => {
    mx.setDefaultDevice(device);
    engine = await startEngine({ device });
    model = await engine.load({ path, exact: true });
    loaded = await loadModel(path, { device, exact: true });
  });
  afterAll(async () => {
    loaded?.model.dispose();
    await engine?.dispose();
  });

  /** Of each position, the log softmax of a forward over all of the tokens, `[L][V]`. */
  const plainLogprobs = (tokens: readonly number[]): Float32Array[] =>
    mx.tidy(() => {
      const logits = loaded.model.forward(mx.array([[...tokens]], mx.int32)).astype(mx.float32);
      const all = logits.subtract(mx.logsumexp(logits, -1, true)).toTypedArray() as Float32Array;
      const V = logits.dim(-1);
      return tokens.map((_, i) => all.subarray(i * V, (i + 1) * V));
    });

  const expectScores = (scored: TokenLogprob, expected: Float32Array | undefined): void => {
    expect(Math.abs(scored.logprob - (expected?.[scored.id] ?? Number.NaN))).toBeLessThan(TOLERANCE);
    const best = [...(expected ?? [])].sort((a, b) => b - a);
    for (const [i, top] of scored.topLogprobs.entries()) {
      expect(Math.abs(top.logprob - (best[i] ?? Number.NaN))).toBeLessThan(TOLERANCE);
      expect(Math.abs(top.logprob - (expected?.[top.id] ?? Number.NaN))).toBeLessThan(TOLERANCE);
    }
  };

  /** Compares every token of an answer with a forward over prompt and answer. */
  const expectPlain = async (
    outcome: Outcome,
    count: number,
    before: string | readonly number[] = prompt,
  ): Promise<void> => {
    const head = typeof before === "string" ? await model.tokenize(before) : [...before];
    const expected = plainLogprobs([...head, ...idsOf(outcome.logprobs)]);
    expect(outcome.logprobs.length).toBeGreaterThan(0);
    for (const [i, scored] of outcome.logprobs.entries()) {
      expect(scored.topLogprobs).toHaveLength(count);
      expectScores(scored, expected[head.length - 1 + i]);
    }
  };

  it("are those of a plain forward, with the likeliest alternatives", async () => {
    const outcome = await generate(model, { logprobs: 3 });
    expect(outcome.logprobs).toHaveLength(8);
    await expectPlain(outcome, 3);
    for (const { id, topLogprobs } of outcome.logprobs) expect(topLogprobs[0]?.id).toBe(id); // greedy
    expect(outcome.logprobs.map(({ text }) => text).join("")).toBe(outcome.text);
  });

  it("are the model's own, whatever sampling, penalties and biases make of them", async () => {
    const outcome = await generate(model, {
      logprobs: 2,
      temperature: 1.5,
      topP: 0.9,
      seed: 3,
      repetitionPenalty: 1.3,
      presencePenalty: 1,
      logitBias: { 260: 5 },
    });
    await expectPlain(outcome, 2);
    expect(outcome.logprobs.some(({ id, topLogprobs }) => topLogprobs[0]?.id !== id)).toBe(true);
  });

  it("change nothing of the answer", async () => {
    for (const request of [{}, { temperature: 1, seed: 5 }]) {
      const plain = await generate(model, request);
      const scored = await generate(model, { ...request, logprobs: 1 });
      expect(scored.text).toBe(plain.text);
      expect(plain.logprobs).toEqual([]);
    }
  });

  it("come to the requests of a batch that ask for them, as to each alone", async () => {
    const requests: Partial<GenerateRequest>[] = [
      { logprobs: 2 },
      {},
      { prompt: "Once upon a time", logprobs: 0, maxTokens: 5 },
      { prompt: "1 + 1 =", temperature: 1, seed: 1, logprobs: 5 },
    ];
    const together = await Promise.all(requests.map((request) => generate(model, request)));
    for (const [i, request] of requests.entries()) {
      const { logprobs = -1, prompt: own } = request;
      if (logprobs < 0) expect(together[i]?.logprobs).toEqual([]);
      else if (together[i]) await expectPlain(together[i], logprobs, own as string | undefined);
    }
  });

  it("stand beside drafts that come true", async () => {
    const repeated = "red green blue red green blue red green blue red green blue red";
    const request = { prompt: repeated, maxTokens: 24, ignoreEos: true };
    const outcome = await generate(model, { ...request, logprobs: 2, promptLookup: true, numDraftTokens: 3 });
    expect(outcome.logprobs).toHaveLength(24);
    await expectPlain(outcome, 2, repeated);
  });

  it("leave out the tokens that a stop string cuts off", async () => {
    const whole = await generate(model, { logprobs: 0, maxTokens: 16 });
    const stop = whole.text.slice(12, 20);
    const { text, logprobs, pieces } = await generate(model, { logprobs: 0, maxTokens: 16, stop: [stop] });
    expect(text).toBe(whole.text.slice(0, whole.text.indexOf(stop)));
    const written = logprobs.map((token) => token.text).join("");
    expect(written.startsWith(text)).toBe(true);
    expect(written.length - (logprobs.at(-1)?.text.length ?? 0)).toBeLessThan(text.length);
    for (const piece of pieces) expect(piece.tokens).toEqual(idsOf(piece.logprobs));
  });

  it("give the bytes of tokens that are no whole characters", async () => {
    const [first, ...rest] = await model.tokenize("🦔");
    const head = [...(await model.tokenize("x")), ...(first === undefined ? [] : [first])];
    const bias = Object.fromEntries(rest.map((id) => [id, 1000]));
    expect(rest).not.toHaveLength(0);
    const { logprobs } = await generate(model, {
      prompt: head,
      logprobs: 0,
      maxTokens: rest.length,
      logitBias: bias,
    });
    expect(logprobs.length).toBe(rest.length);
    for (const { bytes, text } of logprobs) {
      expect(text).toContain("\uFFFD");
      expect(bytes.length).toBeGreaterThan(0);
      for (const byte of bytes) expect(byte).toBeGreaterThan(127);
    }
  });

  it("of a prompt are those of a plain forward, the first token's left out", async () => {
    const text = `${prompt} red, yellow and blue. `.repeat(30); // longer than what is scored at once
    const tokens = await model.tokenize(text);
    expect(tokens.length).toBeGreaterThan(256);
    const { promptLogprobs } = await generate(model, { prompt: text, promptLogprobs: 2, maxTokens: 1 });
    expect(idsOf(promptLogprobs)).toEqual(tokens);
    expect(promptLogprobs[0]?.logprob).toBeUndefined();
    const expected = plainLogprobs(tokens);
    for (const [i, { logprob = Number.NaN, ...token }] of promptLogprobs.entries())
      if (i > 0) expectScores({ ...token, logprob }, expected[i - 1]);
    expect(promptLogprobs.map((token) => token.text).join("")).toBe(text);
  });

  it("of a prompt come whole when an earlier request read the same one", async () => {
    await generate(model, {});
    const { promptLogprobs, logprobs } = await generate(model, { promptLogprobs: 0, logprobs: 0 });
    expect(promptLogprobs).toHaveLength(5);
    expect(logprobs).toHaveLength(8);
  });

  it("of a prompt can be had without an answer", async () => {
    const { text, promptLogprobs, outputTokens } = await generate(model, {
      promptLogprobs: 0,
      maxTokens: 0,
    });
    expect({ text, outputTokens }).toEqual({ text: "", outputTokens: 0 });
    expect(promptLogprobs).toHaveLength(5);
  });

  it.each([
    ["logprobs", -1],
    ["logprobs", 1.5],
    ["promptLogprobs", true],
  ])("are refused for %s %s", async (name, value) => {
    await expect(generate(model, { [name]: value })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining(name),
    });
  });
});
