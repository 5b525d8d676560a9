/** Log probabilities for each kind of client, of a model of the engine. */
import { createLLM, type LLMConfig, type TokenLogprob } from "abstractllm";
import { type Logprob, Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, type ModelServer } from "../../src/index.ts";
import { SETUP_MODEL } from "../support/models.ts";

const PROMPT = "What is the capital of France?";
const QUICK = { offline: true, temperature: 0, maxTokens: 12 };

let server: ModelServer;
let origin = "";
let expected: readonly TokenLogprob[];
beforeAll(async () => {
  server = createServer({ port: 0, models: { small: { ...QUICK, provider: "mlx", model: SETUP_MODEL } } });
  origin = await server.listen();
  const local = await createLLM("mlx", { ...QUICK, model: SETUP_MODEL });
  expected = (await local.generate(PROMPT, { logprobs: 2 })).logprobs ?? [];
  expect(expected.length).toBeGreaterThan(3);
});
afterAll(() => server.close());

/** Tokens as a client has them. */
type Told = readonly {
  readonly token: string;
  readonly bytes?: readonly number[] | null;
  readonly logprob: number;
  readonly top_logprobs?: readonly { readonly token?: string; readonly logprob?: number }[];
}[];

/** Values that are computed in another batch differ in their last digits. */
function expectSame(told: Told): void {
  expect(told.map(({ token }) => token)).toEqual(expected.map(({ token }) => token));
  expect(told.map((token) => token.bytes)).toEqual(expected.map((token) => token.bytes));
  for (const [i, { logprob, top_logprobs: top = [] }] of told.entries()) {
    expect(logprob).toBeCloseTo(expected[i]?.logprob ?? 1, 3);
    expect(top.map(({ token }) => token)).toEqual(expected[i]?.topLogprobs.map(({ token }) => token));
    expect(top[1]?.logprob).toBeCloseTo(expected[i]?.topLogprobs[1]?.logprob ?? 1, 3);
  }
}

test.each<[string, () => LLMConfig]>([
  ["openai", () => ({ apiKey: "k", baseUrl: `${origin}/v1`, api: "chat" })],
  ["openai", () => ({ apiKey: "k", baseUrl: `${origin}/v1`, api: "responses" })],
  ["openai-compatible", () => ({ baseUrl: `${origin}/v1` })],
  ["ollama", () => ({ baseUrl: origin })],
])("are the model's own through the provider %s", async (provider, configOf) => {
  const llm = await createLLM(provider, { ...configOf(), model: "small", maxRetries: 0 });
  const { text, logprobs = [], warnings } = await llm.generate(PROMPT, { logprobs: 2 });
  expect(logprobs.map(({ token }) => token).join("")).toBe(text);
  expectSame(logprobs.map(({ topLogprobs, ...token }) => ({ ...token, top_logprobs: topLogprobs })));
  expect(warnings).toEqual([]);
});

describe("OpenAI's client of responses", () => {
  let openai: OpenAI;
  beforeAll(() => {
    openai = new OpenAI({ apiKey: "k", baseURL: `${origin}/v1`, maxRetries: 0 });
  });

  const include: OpenAI.Responses.ResponseIncludable[] = ["message.output_text.logprobs"];
  const tokensOf = ({ output }: OpenAI.Responses.Response): Told => {
    const [item] = output;
    const [part] = item?.type === "message" ? item.content : [];
    return part?.type === "output_text" ? (part.logprobs ?? []) : [];
  };

  test("has them with the text, whole and streamed", async () => {
    const request = { model: "small", input: PROMPT, include, top_logprobs: 2 };
    const whole = await openai.responses.create(request);
    expectSame(tokensOf(whole));
    expect(whole.top_logprobs).toBe(2);
    const streamed: Told[number][] = [];
    for await (const event of await openai.responses.create({ ...request, stream: true })) {
      if (event.type === "response.output_text.delta") streamed.push(...event.logprobs);
      if (event.type === "response.output_text.done") expectSame(event.logprobs);
      if (event.type === "response.completed") expectSame(tokensOf(event.response));
    }
    expectSame(streamed);
  });

  test("has none that it did not ask for, and alternatives only beside them", async () => {
    const plain = await openai.responses.create({ model: "small", input: PROMPT });
    expect(tokensOf(plain)).toEqual([]);
    const own = await openai.responses.create({ model: "small", input: PROMPT, include });
    expect(tokensOf(own).map(({ top_logprobs }) => top_logprobs)).toEqual(expected.map(() => []));
  });

  test.each([
    ["top_logprobs", { top_logprobs: 2 }, "include"],
    ["top_logprobs", { top_logprobs: 21, include }, "0 to 20"],
    ["include", { include: ["file_search_call.results" as const] }, "message.output_text.logprobs"],
  ])("is told what is wrong with %s", async (param, more, message) => {
    const asked = openai.responses.create({ model: "small", input: PROMPT, ...more });
    await expect(asked).rejects.toMatchObject({
      status: 400,
      param,
      message: expect.stringContaining(message),
    });
  });
});

describe("Ollama's client", () => {
  let ollama: Ollama;
  beforeAll(() => {
    ollama = new Ollama({ host: origin });
  });

  const chat = { model: "small", messages: [{ role: "user", content: PROMPT }] };
  const asked = { logprobs: true, top_logprobs: 2 };

  async function all(lines: AsyncIterable<{ logprobs?: Logprob[] }>): Promise<Logprob[]> {
    const tokens: Logprob[] = [];
    for await (const { logprobs = [] } of lines) tokens.push(...logprobs);
    return tokens;
  }

  test("has them beside the message, whole and streamed", async () => {
    expectSame((await ollama.chat({ ...chat, ...asked })).logprobs ?? []);
    expectSame(await all(await ollama.chat({ ...chat, ...asked, stream: true })));
  });

  test("has them beside the answer to a single prompt, whole and streamed", async () => {
    const request = { model: "small", prompt: PROMPT, ...asked };
    expectSame((await ollama.generate(request)).logprobs ?? []);
    expectSame(await all(await ollama.generate({ ...request, stream: true })));
  });

  test("has none that it did not ask for, and alternatives only where it asks for them", async () => {
    expect(await ollama.chat(chat)).not.toHaveProperty("logprobs");
    const { logprobs = [] } = await ollama.chat({ ...chat, logprobs: true });
    expect(logprobs).toHaveLength(expected.length);
    for (const token of logprobs) expect(token).not.toHaveProperty("top_logprobs");
  });

  test.each([{ top_logprobs: 2 }, { logprobs: true, top_logprobs: 21 }])(
    "is told what is wrong with %j",
    async (more) => {
      await expect(ollama.chat({ ...chat, ...more })).rejects.toThrow("top_logprobs");
      await expect(ollama.generate({ model: "small", prompt: "x", ...more })).rejects.toThrow("top_logprobs");
    },
  );
});
