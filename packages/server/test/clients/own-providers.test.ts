import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import { type AbstractLLM, createLLM, type LLMConfig, type Message } from "abstractllm";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, type ModelServer } from "../../src/index.ts";
import { CLIENTS } from "../support/clients/index.ts";
import {
  FIGURES_GOLDEN,
  FIGURES_MODEL,
  SETUP_ADAPTER,
  SETUP_MODEL,
  TINY_EMBEDDER,
} from "../support/models.ts";

/** AbstractLLM's own providers and the official clients, with models of the engine behind the server. */
const KEY = "k";
const QUICK = { provider: "mlx", offline: true, temperature: 0, maxTokens: 16 };
const ways: [string, (origin: string) => LLMConfig][] = [
  ["openai", (origin) => ({ baseUrl: `${origin}/v1`, api: "chat" })],
  ["openai", (origin) => ({ baseUrl: `${origin}/v1`, api: "responses" })],
  ["openai-compatible", (origin) => ({ baseUrl: `${origin}/v1` })],
  ["anthropic", (origin) => ({ baseUrl: origin })],
  ["ollama", (origin) => ({ baseUrl: origin })],
];

let server: ModelServer;
let origin = "";
beforeAll(async () => {
  const models = {
    small: { ...QUICK, model: SETUP_MODEL },
    tuned: { ...QUICK, model: SETUP_MODEL, adapters: { rain: SETUP_ADAPTER } },
    figures: { ...QUICK, model: FIGURES_MODEL, quantize: false },
    embedder: { provider: "mlx", offline: true, model: TINY_EMBEDDER },
  };
  server = createServer({ port: 0, apiKey: KEY, models });
  origin = await server.listen();
});
afterAll(() => server.close());

describe.each(ways)("the provider %s", (provider, configOf) => {
  let llm: AbstractLLM;
  let local: AbstractLLM;
  beforeAll(async () => {
    const config = { ...configOf(origin), apiKey: KEY, maxRetries: 0, capabilities: { vision: true } };
    llm = await createLLM(provider, { ...config, model: "small", temperature: 0, maxTokens: 16 });
    const { provider: _, ...own } = QUICK;
    local = await createLLM("mlx", { ...own, model: SETUP_MODEL });
  });

  test("gives what the model itself gives, streamed and whole", async () => {
    const messages: Message[] = [
      { role: "system", content: "You answer in one word." },
      { role: "user", content: "Which is the capital of France?" },
    ];
    const expected = await local.generate(messages);
    const whole = await llm.generate(messages);
    let text = "";
    for await (const part of llm.stream(messages)) if (part.type === "text-delta") text += part.text;
    expect([whole.text, text]).toEqual([expected.text, expected.text]);
    expect(whole.usage.inputTokens).toBe(expected.usage.inputTokens);
    expect(whole.finishReason).toBe(expected.finishReason);
  });

  test("answers what comes together, and stops within one answer without harm to another", async () => {
    const controller = new AbortController();
    const broken = llm.generate("Tell a long story.", { signal: controller.signal, maxTokens: 400 });
    const asked = llm.generate("Count to three.");
    controller.abort(new Error("enough"));
    await expect(broken).rejects.toThrow("enough");
    expect((await asked).text).toBe((await local.generate("Count to three.")).text);
  });

  test("says that there is no such model", async () => {
    const config = { ...configOf(origin), apiKey: KEY, maxRetries: 0 };
    const none = await createLLM(provider, { ...config, model: "none" });
    await expect(none.generate("x")).rejects.toMatchObject({ name: "ModelNotFoundError" });
  });

  test("lists the models", async () => {
    expect((await llm.listModels()).map(({ id }) => id)).toEqual([
      "small",
      "tuned",
      "tuned:rain",
      "figures",
      "embedder",
    ]);
  });

  test("tells the model of tools", async () => {
    const weather = { name: "weather", description: "Weather of a city, now" };
    const { usage } = await llm.generate("Hi", { tools: [weather] });
    const without = await llm.generate("Hi");
    expect(usage.inputTokens).toBeGreaterThan(without.usage.inputTokens + 20);
  });
});

test.each(CLIENTS.map((open) => ({ name: open("http://x", KEY).name, open })))(
  "the client of $name has a model answer with an adapter and without, over the same weights",
  async ({ open }) => {
    const client = open(origin, KEY);
    const { provider: _, ...own } = QUICK;
    const adapted = await createLLM("mlx", { ...own, model: SETUP_MODEL, adapterPath: SETUP_ADAPTER });
    const ask = async (model: string): Promise<string> => {
      const turns = [{ role: "user" as const, content: "Count to three." }];
      return (await client.streamed({ model, turns, temperature: 0, maxTokens: 16 })).text;
    };
    const [base, rain] = await Promise.all(["tuned", "tuned:rain"].map(ask));
    expect(rain).toBe((await adapted.generate("Count to three.")).text);
    expect(base).toBe(await ask("small"));
    expect(rain).not.toBe(base);
    await adapted.unload();
  },
);

test("mlx_lm.server's field `adapters` names an adapter of the model, or several with scales", async () => {
  const complete = async (model: string, adapters?: unknown) => {
    const request = { model, prompt: "One, two,", max_tokens: 8, temperature: 0, adapters };
    const answer = await fetch(`${origin}/v1/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const body = (await answer.json()) as { choices?: object[]; error?: { message: string } };
    return { status: answer.status, body };
  };
  const { body } = await complete("tuned:rain");
  expect((await complete("tuned", "rain")).body.choices).toEqual(body.choices);
  expect((await complete("tuned", [{ name: "rain" }])).body.choices).toEqual(body.choices);
  const none = await complete("tuned");
  expect((await complete("tuned", [{ name: "rain", scale: 0 }])).body.choices).toEqual(none.body.choices);
  const unread = await complete("tuned", [{ name: "rain", weight: 1 }]);
  expect([unread.status, unread.body.error?.message]).toEqual([400, expect.stringContaining("weight")]);
  const refused = await complete("tuned", "/some/folder");
  expect(refused.status).toBe(400);
  expect(refused.body.error?.message).toContain("There is no adapter");
});

describe("a question that is asked again", () => {
  const content = "Name the four seasons of the year, and say of each what the weather is like.";
  const messages = [{ role: "user" as const, content }];

  test("is counted as read from the cache, in the words of each dialect", async () => {
    const openai = new OpenAI({ baseURL: `${origin}/v1`, apiKey: KEY, maxRetries: 0 });
    const ollama = new Ollama({ host: origin, headers: { authorization: `Bearer ${KEY}` } });
    const chat = async () => (await openai.chat.completions.create({ model: "small", messages })).usage;
    const first = await chat();
    const length = first?.prompt_tokens ?? 0;
    const again = await chat();
    expect(again?.prompt_tokens).toBe(length);
    const cached = again?.prompt_tokens_details?.cached_tokens ?? 0;
    expect(cached).toBeGreaterThan(length / 2);
    const { usage } = await openai.responses.create({ model: "small", input: messages });
    expect(usage).toMatchObject({ input_tokens: length, input_tokens_details: { cached_tokens: cached } });
    expect((await ollama.chat({ model: "small", messages })).prompt_eval_count).toBe(length);
  });

  test("has its tokens told to Anthropic's client with the first event, those of the cache apart", async () => {
    const anthropic = new Anthropic({ baseURL: origin, apiKey: KEY, maxRetries: 0 });
    const asked = { model: "small", max_tokens: 8, messages };
    const { input_tokens: length } = await anthropic.messages.countTokens({ model: "small", messages });
    await anthropic.messages.create(asked);
    const usages: (object | undefined)[] = [];
    for await (const event of anthropic.messages.stream(asked)) {
      if (event.type === "message_start") usages.push({ ...event.message.usage, output_tokens: 8 });
      if (event.type === "message_delta") usages.push(event.usage);
    }
    expect(usages[0]).toEqual(usages[1]);
    const { input_tokens, cache_read_input_tokens } = usages[0] as Anthropic.Usage;
    expect(cache_read_input_tokens).toBeGreaterThan(length / 2);
    expect(input_tokens + (cache_read_input_tokens ?? 0)).toBe(length);
  });
});

test("Ollama's client sees what models take on the disk", async () => {
  const ollama = new Ollama({ host: origin, headers: { authorization: `Bearer ${KEY}` } });
  const { models } = await ollama.list();
  const sizes = Object.fromEntries(models.map(({ name, size }) => [name, size]));
  const { size } = statSync(SETUP_MODEL);
  expect(sizes).toMatchObject({ small: size, tuned: size, "tuned:rain": size });
  expect(sizes.figures).toBeGreaterThan(statSync(join(FIGURES_MODEL, "config.json")).size);
});

test("a client that goes away has the engine stop long before the answer's end", async () => {
  const controller = new AbortController();
  const request = { model: "small", prompt: "One, two,", max_tokens: 7000, ignore_eos: true, stream: true };
  const answer = await fetch(`${origin}/v1/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify(request),
    signal: controller.signal,
  });
  await answer.body?.getReader().read();
  const metrics = async () => {
    const told = await fetch(`${origin}/metrics`, { headers: { "x-api-key": KEY } });
    return told.text();
  };
  const before = await metrics();
  expect(before).toContain("abstractllm_calls_running 1");
  controller.abort();
  await expect.poll(metrics).toContain("abstractllm_calls_running 0");
  const written = (text: string) => /tokens_total\{kind="output"\} (\d+)/.exec(text)?.[1];
  expect(written(await metrics())).toBe(written(before)); // it counts answers that came to their end
});

interface Drawing {
  readonly question: string;
  readonly answer: string;
  readonly png: string;
}

const { drawings }: { drawings: Drawing[] } = JSON.parse(readFileSync(FIGURES_GOLDEN, "utf8"));

test.each(CLIENTS.map((open) => ({ name: open("http://x", KEY).name, open })))(
  "the client of $name has images seen, and reads the answers that the model gives about them",
  async ({ open }) => {
    const client = open(origin, KEY);
    const asked = drawings.slice(0, 4);
    const answers = await Promise.all(
      asked.map(({ question, png }) => {
        const turns = [{ role: "user" as const, content: question }];
        return client.streamed({ model: "figures", turns, image: png, temperature: 0, maxTokens: 20 });
      }),
    );
    expect(answers.map(({ text }) => text)).toEqual(asked.map(({ answer }) => answer));
  },
);
