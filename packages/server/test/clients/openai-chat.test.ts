import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, type ModelServer } from "../../src/index.ts";
import { SETUP_MODEL } from "../support/models.ts";

/** OpenAI's own client, and a model of the engine. */
const question = [{ role: "user" as const, content: "What is the capital of France?" }];

describe("OpenAI's client of chat completions", () => {
  let server: ModelServer;
  let client: OpenAI;
  beforeAll(async () => {
    const config = { provider: "mlx", model: SETUP_MODEL, offline: true, temperature: 0, maxTokens: 24 };
    server = createServer({ port: 0, apiKey: "k", models: { small: config } });
    client = new OpenAI({ apiKey: "k", baseURL: `${await server.listen()}/v1`, maxRetries: 0 });
  });
  afterAll(() => server.close());

  test("gets the same answer and usage, streamed and whole", async () => {
    const request = { model: "small", messages: question, temperature: 0 };
    const whole = await client.chat.completions.create(request);
    const stream = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    const streamed = await stream.finalChatCompletion();
    expect(whole.choices[0]?.message.content).toContain("Paris");
    expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
    const { prompt_tokens_details: _, ...counted } = whole.usage ?? {}; // the second finds the prompt in the cache
    expect(streamed.usage).toMatchObject(counted);
    expect(streamed.choices[0]?.finish_reason).toBe(whole.choices[0]?.finish_reason);
    expect(whole.usage?.total_tokens).toBeGreaterThan(20);
  });

  test("ends an answer at a stop string, and at a limit", async () => {
    const ask = async (options: object) => {
      const whole = await client.chat.completions.create({ model: "small", messages: question, ...options });
      return whole.choices[0];
    };
    const whole = await ask({});
    const stopped = await ask({ stop: "Paris" });
    expect(stopped?.message.content).toBe(whole?.message.content?.split("Paris")[0]);
    expect(stopped?.finish_reason).toBe("stop");
    expect((await ask({ max_completion_tokens: 2 }))?.finish_reason).toBe("length");
  });

  test("gets several answers at once, each of which comes alone with its seed", async () => {
    const request = { model: "small", messages: question, temperature: 1, seed: 3, max_tokens: 12 };
    const { choices, usage } = await client.chat.completions.create({ ...request, n: 3 });
    const texts = choices.map(({ message }) => message.content);
    expect(new Set(texts).size).toBe(3);
    const alone: unknown[] = [];
    for (const seed of [3, 4, 5]) {
      const one = await client.chat.completions.create({ ...request, seed });
      alone.push(one.choices[0]?.message.content);
      expect(one.usage?.prompt_tokens).toBe(usage?.prompt_tokens);
    }
    expect(texts).toEqual(alone);
  });

  test("gets log probabilities, streamed and whole", async () => {
    const request = { model: "small", messages: question, logprobs: true, top_logprobs: 2, max_tokens: 8 };
    const whole = (await client.chat.completions.create(request)).choices[0];
    const tokens = whole?.logprobs?.content ?? [];
    expect(tokens.map(({ token }) => token).join("")).toBe(whole?.message.content);
    for (const { token, logprob, bytes, top_logprobs } of tokens) {
      expect(top_logprobs).toHaveLength(2);
      expect(top_logprobs[0]).toEqual({ token, logprob, bytes }); // the likeliest one is what is written
      expect(logprob).toBeLessThanOrEqual(0);
    }
    const streamed: typeof tokens = [];
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
      streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
    expect(streamed.map(({ token }) => token)).toEqual(tokens.map(({ token }) => token));
    for (const [i, { logprob }] of streamed.entries())
      expect(logprob).toBeCloseTo(tokens[i]?.logprob ?? 1, 4);
    const plain = await client.chat.completions.create({ model: "small", messages: question, max_tokens: 2 });
    expect(plain.choices[0]?.logprobs).toBeNull();
  });

  test("gets how likely a text is from completions that echo it", async () => {
    const prompts = ["The capital of France is", "Snow is"];
    const request = { model: "small", prompt: prompts, echo: true, logprobs: 1, max_tokens: 1 };
    const { choices } = await client.completions.create(request);
    for (const [i, { text, logprobs }] of choices.entries()) {
      expect(text.startsWith(prompts[i] ?? "?")).toBe(true);
      const { tokens = [], token_logprobs = [], text_offset = [], top_logprobs = [] } = logprobs ?? {};
      expect(tokens.join("")).toBe(text);
      expect(token_logprobs).toHaveLength(tokens.length);
      expect(token_logprobs[0]).toBeNull();
      expect(token_logprobs.slice(1).every((value) => value <= 0)).toBe(true);
      expect(tokens.map((token, at) => text.startsWith(token, text_offset[at]))).not.toContain(false);
      expect(Object.keys(top_logprobs.at(-1) ?? {})).toEqual([tokens.at(-1)]);
    }
    const stream = await client.completions.create({
      ...{ model: "small", prompt: prompts[0] ?? "", logprobs: 0, max_tokens: 4, stream: true },
    });
    let text = "";
    for await (const {
      choices: [one],
    } of stream) {
      const { tokens = [], text_offset = [] } = one?.logprobs ?? {};
      if (tokens.length > 0) expect(text_offset[0]).toBe(text.length);
      text += one?.text ?? "";
    }
    expect(text).not.toBe("");
    const echoed = client.completions.create({ ...request, stream: true });
    await expect(echoed).rejects.toMatchObject({ status: 400, param: "echo" });
  });

  test("answers requests that come together as it answers them one by one", async () => {
    const ask = async (content: string) => {
      const messages = [{ role: "user" as const, content }];
      const { choices } = await client.chat.completions.create({ model: "small", messages, max_tokens: 8 });
      return choices[0]?.message.content;
    };
    const questions = ["Name a river.", "Count to three.", "What is snow?", "Say yes."];
    const alone: unknown[] = [];
    for (const each of questions) alone.push(await ask(each));
    expect(await Promise.all(questions.map(ask))).toEqual(alone);
  });

  test("gets errors of its own classes", async () => {
    const ask = (request: object, by = client) =>
      by.chat.completions.create({ model: "small", messages: question, ...request }).catch((e) => e);
    expect(await ask({ model: "none" })).toMatchObject({ status: 404, code: "model_not_found" });
    expect(await ask({ temperature: 9 })).toMatchObject({ status: 400, param: "temperature" });
    expect(await ask({ top_p: 5 })).toMatchObject({
      status: 400,
      param: "top_p",
      message: expect.stringContaining("for top_p but received number 5"),
    });
    expect(await ask({ n: 129 })).toMatchObject({ status: 400, param: "n" });
    const stranger = new OpenAI({ apiKey: "no", baseURL: client.baseURL, maxRetries: 0 });
    expect(await ask({}, stranger)).toBeInstanceOf(OpenAI.AuthenticationError);
  });
});
