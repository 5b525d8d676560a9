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
