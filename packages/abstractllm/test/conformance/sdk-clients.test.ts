import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLLM } from "../../src/index.ts";
import { HttpService } from "../services/http-service.ts";
import { ollamaService } from "../services/ollama-service.ts";
import { openAIService } from "../services/openai-service.ts";

/** The official clients and ours talk to the same services, which keeps both the services and our reading honest. */
const PROMPT = "Where does the river go?";
const TOOL = {
  type: "function",
  function: { name: "f", parameters: { type: "object", properties: { city: { type: "string" } } } },
} as const;

describe("OpenAI's client", () => {
  let service: HttpService;
  let client: OpenAI;
  beforeAll(async () => {
    service = await HttpService.start(openAIService({ models: ["gpt-4o"], apiKey: "k" }));
    client = new OpenAI({ apiKey: "k", baseURL: `${service.origin}/v1`, maxRetries: 0 });
  });
  afterAll(() => service.stop());

  const ours = () => createLLM("openai", { apiKey: "k", baseUrl: `${service.origin}/v1`, temperature: 0 });

  test("reads the same answer and usage, streamed and whole", async () => {
    const messages = [{ role: "user" as const, content: PROMPT }];
    const request = { model: "gpt-4o", temperature: 0, messages };
    const whole = await client.chat.completions.create(request);
    const stream = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    const streamed = await stream.finalChatCompletion();
    const { text, usage } = await (await ours()).generate(PROMPT);
    expect([whole, streamed].map(({ choices }) => choices[0]?.message.content)).toEqual([text, text]);
    for (const completion of [whole, streamed]) {
      expect(completion.usage).toMatchObject({
        prompt_tokens: usage.inputTokens,
        completion_tokens: usage.outputTokens,
      });
    }
  });

  test("reads the same tool calls", async () => {
    const stream = client.chat.completions.stream({
      model: "gpt-4o",
      messages: [{ role: "user", content: "Use the tools" }],
      tools: [TOOL],
    });
    const { choices } = await stream.finalChatCompletion();
    const { toolCalls } = await (await ours()).generate("Use the tools", { tools: [TOOL.function] });
    const theirs = choices[0]?.message.tool_calls?.map((call) =>
      call.type === "function" ? call : undefined,
    );
    expect(toolCalls).toEqual(
      theirs?.map((call) => ({
        id: call?.id,
        name: "f",
        arguments: JSON.parse(call?.function.arguments ?? ""),
      })),
    );
  });

  test("sends the same request, except for what only we set", async () => {
    service.requests.length = 0;
    await client.chat.completions.create({
      model: "gpt-4o",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: PROMPT },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_completion_tokens: 20,
      stop: ["x"],
      seed: 1,
      tools: [TOOL],
      tool_choice: "auto",
    });
    await (await ours()).generate(PROMPT, {
      systemPrompt: "Be brief.",
      maxTokens: 20,
      stop: ["x"],
      seed: 1,
      tools: [TOOL.function],
    });
    const [theirs, mine] = service.requests;
    expect(mine?.body).toEqual(theirs?.body);
    expect([mine?.method, mine?.path, mine?.headers.authorization, mine?.headers["content-type"]]).toEqual([
      theirs?.method,
      theirs?.path,
      theirs?.headers.authorization,
      theirs?.headers["content-type"],
    ]);
  });

  test("sees the same errors", async () => {
    const request = { model: "none", messages: [{ role: "user" as const, content: "x" }] };
    await expect(client.chat.completions.create(request)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const stranger = new OpenAI({ apiKey: "wrong", baseURL: `${service.origin}/v1`, maxRetries: 0 });
    await expect(stranger.chat.completions.create(request)).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
  });
});

describe("Ollama's client", () => {
  let service: HttpService;
  let client: Ollama;
  beforeAll(async () => {
    service = await HttpService.start(ollamaService);
    client = new Ollama({ host: service.origin });
  });
  afterAll(() => service.stop());

  const MODEL = "phi4-mini:latest";
  const ours = () => createLLM("ollama", { baseUrl: service.origin, temperature: 0 });

  test("reads the same answer, thinking and figures", async () => {
    const stream = await client.chat({
      model: MODEL,
      messages: [{ role: "user", content: PROMPT }],
      options: { temperature: 0 },
      think: true,
      stream: true,
    });
    const theirs = { text: "", reasoning: "", outputTokens: 0 };
    for await (const { message, eval_count } of stream) {
      theirs.text += message.content;
      theirs.reasoning += message.thinking ?? "";
      theirs.outputTokens = eval_count;
    }
    const { text, reasoning, usage, timings } = await (await ours()).generate(PROMPT, { reasoning: true });
    expect({ text, reasoning, outputTokens: usage.outputTokens }).toEqual(theirs);
    expect(timings).toMatchObject({ timeToFirstTokenMs: 500, totalMs: 4000 });
    expect(timings?.decodeTokensPerSecond).toBe(usage.outputTokens / 2);
  });

  test("sends the same request, except for what only we set", async () => {
    service.requests.length = 0;
    const options = {
      num_predict: 9,
      num_ctx: 4096,
      temperature: 0,
      stop: ["x"],
      top_k: 5,
      repeat_penalty: 1.1,
    };
    const messages = [{ role: "user", content: PROMPT }];
    for await (const _ of await client.chat({
      model: MODEL,
      messages,
      tools: [TOOL],
      options,
      stream: true,
    }));
    await (await ours()).generate(PROMPT, {
      maxTokens: 9,
      contextWindow: 4096,
      stop: "x",
      topK: 5,
      repetitionPenalty: 1.1,
      tools: [TOOL.function],
    });
    const [theirs, mine] = service.requests;
    const { truncate, shift, ...shared } = mine?.body ?? {};
    expect(shared).toEqual(theirs?.body);
    expect([truncate, shift]).toEqual([false, false]); // a prompt that does not fit is an error
    expect([mine?.method, mine?.path]).toEqual([theirs?.method, theirs?.path]);
  });
});
