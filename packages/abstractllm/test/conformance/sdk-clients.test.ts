import Anthropic from "@anthropic-ai/sdk";
import { InferenceClient } from "@huggingface/inference";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLLM } from "../../src/index.ts";
import { anthropicService } from "../services/anthropic-service.ts";
import { HttpService } from "../services/http-service.ts";
import { huggingFaceService } from "../services/huggingface-service.ts";
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
    service = await HttpService.start(
      openAIService({ models: ["gpt-4o", "gpt-5", "text-embedding-3-small"], apiKey: "k" }),
    );
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

  const REASONING = {
    model: "gpt-5",
    input: [{ role: "user" as const, content: "Use the tools" }],
    include: ["reasoning.encrypted_content" as const],
    reasoning: { summary: "auto" as const },
    store: false,
    tools: [{ type: "function" as const, ...TOOL.function, strict: false }],
    tool_choice: "auto" as const,
  };
  const reasoner = () =>
    createLLM("openai", { apiKey: "k", baseUrl: `${service.origin}/v1`, model: "gpt-5" });

  test("reads the same response, streamed and whole", async () => {
    const whole = await client.responses.create(REASONING);
    const streamed = await client.responses.stream(REASONING).finalResponse();
    const { raw, usage, reasoning, toolCalls } = await (await reasoner()).generate("Use the tools", {
      reasoning: true,
      tools: [TOOL.function],
    });
    expect(raw).toMatchObject({ output: whole.output, usage: whole.usage });
    expect(streamed.output).toMatchObject(whole.output);
    expect(usage.outputTokens).toBe(whole.usage?.output_tokens);
    const [thought, ...calls] = whole.output;
    expect(thought).toMatchObject({ type: "reasoning", summary: [{ text: reasoning }] });
    expect(calls).toMatchObject(
      toolCalls.map(({ id, name, arguments: input }) => ({
        call_id: id,
        name,
        arguments: JSON.stringify(input),
      })),
    );
  });

  test("sends the same request for a response", async () => {
    service.requests.length = 0;
    const extra = { temperature: 0, max_output_tokens: 20, user: "u" };
    for await (const _ of await client.responses.create({ ...REASONING, ...extra, stream: true }));
    await (await reasoner()).generate("Use the tools", {
      reasoning: true,
      tools: [TOOL.function],
      temperature: 0,
      maxTokens: 20,
      user: "u",
      maxSteps: 1,
    });
    const [theirs, mine] = service.requests;
    expect(mine?.body).toEqual(theirs?.body);
    expect([mine?.method, mine?.path]).toEqual([theirs?.method, theirs?.path]);
  });

  test("counts the same tokens and reads the same vectors", async () => {
    const counted = await client.responses.inputTokens.count({ model: "gpt-4o", input: PROMPT });
    expect(await (await ours()).countTokens(PROMPT)).toBe(counted.input_tokens);
    const request = { model: "text-embedding-3-small", input: ["one", "one two three"], dimensions: 3 };
    const { data, usage } = await client.embeddings.create(request);
    const { embeddings, ...mine } = await (await ours()).embed(request.input, { dimensions: 3 });
    expect(data.sort((a, b) => a.index - b.index).map(({ embedding }) => embedding)).toEqual(
      embeddings.map((vector) => vector.map(Math.fround)), // theirs came as 32-bit floats
    );
    expect(mine.usage.inputTokens).toBe(usage.prompt_tokens);
  });

  test("lists the same models", async () => {
    const { data } = await client.models.list();
    const listed = await (await ours()).listModels();
    expect(listed.map(({ id, ownedBy, createdAt }) => [id, ownedBy, createdAt?.getTime()])).toEqual(
      data.map(({ id, owned_by, created }) => [id, owned_by, created * 1000]),
    );
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

describe("Anthropic's client", () => {
  let service: HttpService;
  let client: Anthropic;
  beforeAll(async () => {
    service = await HttpService.start(anthropicService({ apiKey: "k" }));
    client = new Anthropic({ apiKey: "k", baseURL: service.origin, maxRetries: 0 });
  });
  afterAll(() => service.stop());

  const ours = () => createLLM("anthropic", { apiKey: "k", baseUrl: service.origin });
  const INPUT_SCHEMA = { ...TOOL.function.parameters };
  const REQUEST = {
    model: "claude-haiku-5-5",
    max_tokens: 500,
    messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "Use the tools" }] }],
    thinking: { type: "adaptive" as const, display: "summarized" as const },
    tools: [{ name: "f", input_schema: INPUT_SCHEMA }],
    tool_choice: { type: "auto" as const },
  };
  const OPTIONS = { maxTokens: 500, reasoning: true, tools: [TOOL.function] };

  test("reads the same message, streamed and whole", async () => {
    const whole = await client.messages.create(REQUEST);
    const streamed = await client.messages.stream(REQUEST).finalMessage();
    const { raw, usage, reasoning, toolCalls } = await (await ours()).generate("Use the tools", OPTIONS);
    expect(raw).toEqual(JSON.parse(JSON.stringify(whole)));
    expect(streamed.content).toEqual(whole.content);
    expect(usage.outputTokens).toBe(streamed.usage.output_tokens);
    const [thought, ...uses] = streamed.content;
    expect(thought).toMatchObject({ type: "thinking", thinking: reasoning });
    expect(uses).toMatchObject(toolCalls.map(({ id, name, arguments: input }) => ({ id, name, input })));
  });

  test("sends the same request, but for the version of the protocol and the header of the key", async () => {
    service.requests.length = 0;
    const extra = {
      system: "Be brief.",
      stop_sequences: ["x"],
      metadata: { user_id: "u" },
      cache_control: { type: "ephemeral" as const },
    };
    for await (const _ of await client.messages.create({ ...REQUEST, ...extra, stream: true }));
    await (await ours()).generate("Use the tools", {
      ...OPTIONS,
      systemPrompt: "Be brief.",
      stop: "x",
      user: "u",
      promptCaching: true,
    });
    const [theirs, mine] = service.requests;
    expect(mine?.body).toEqual(theirs?.body);
    expect([mine?.method, mine?.path, mine?.headers["content-type"]]).toEqual([
      theirs?.method,
      theirs?.path,
      theirs?.headers["content-type"],
    ]);
  });

  test("lists the same models, over all pages", async () => {
    const listed = await (await ours()).listModels();
    const theirs: unknown[] = [];
    for await (const { id, max_input_tokens, capabilities } of client.models.list()) {
      theirs.push([id, max_input_tokens, capabilities?.structured_outputs.supported]);
    }
    expect(theirs.length).toBeGreaterThan(3);
    expect(
      listed.map(({ id, capabilities }) => [id, capabilities.contextWindow, capabilities.structuredOutput]),
    ).toEqual(theirs);
  });

  test("counts the same tokens", async () => {
    const { max_tokens: _, ...prompt } = REQUEST;
    const { input_tokens } = await client.messages.countTokens(prompt);
    expect(await (await ours()).countTokens("Use the tools", OPTIONS)).toBe(input_tokens);
  });

  test("sees the same errors", async () => {
    const unknown = client.messages.create({ ...REQUEST, model: "none" });
    await expect(unknown).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    const stranger = new Anthropic({ apiKey: "wrong", baseURL: service.origin, maxRetries: 0 });
    await expect(stranger.messages.create(REQUEST)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
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

  test("lists the same models", async () => {
    const { models } = await client.list();
    const listed = await (await ours()).listModels();
    expect(listed.map(({ id, createdAt }) => [id, createdAt])).toEqual(
      models.map(({ name, modified_at }) => [name, new Date(modified_at)]),
    );
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

describe("Hugging Face's client", () => {
  const MODEL = "openai/gpt-oss-20b";
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(huggingFaceService({ apiKey: "hf_k" }));
  });
  afterAll(() => service.stop());

  const client = (path: string) =>
    new InferenceClient("hf_k", { endpointUrl: service.origin + path, billTo: "org" });
  const ours = () =>
    createLLM("huggingface", { apiKey: "hf_k", baseUrl: `${service.origin}/v1`, organization: "org" });

  test("reads the same answer and tool calls", async () => {
    const messages = [{ role: "user", content: PROMPT }];
    const request = { model: MODEL, messages, temperature: 0 };
    const whole = await client("/v1").chatCompletion(request);
    let streamed = "";
    for await (const { choices } of client("/v1").chatCompletionStream(request)) {
      streamed += choices[0]?.delta.content ?? "";
    }
    const { text, usage } = await (await ours()).generate(PROMPT, { temperature: 0 });
    expect([whole.choices[0]?.message.content, streamed]).toEqual([text, text]);
    expect(whole.usage).toMatchObject({
      prompt_tokens: usage.inputTokens,
      completion_tokens: usage.outputTokens,
    });
  });

  test("sends the same request, and names the same payer", async () => {
    service.requests.length = 0;
    const request = {
      model: `${MODEL}:groq`,
      messages: [{ role: "user", content: PROMPT }],
      stream_options: { include_usage: true },
      temperature: 0,
      max_tokens: 20,
      stop: ["x"],
      seed: 1,
      tools: [TOOL],
      tool_choice: "auto" as const,
    };
    for await (const _ of client("/v1").chatCompletionStream(request));
    const llm = await ours();
    llm.updateConfig({ model: `${MODEL}:groq` });
    const options = { temperature: 0, maxTokens: 20, stop: ["x"], seed: 1, tools: [TOOL.function] };
    await llm.generate(PROMPT, options);
    const [theirs, mine] = service.requests;
    expect(mine?.body).toEqual(theirs?.body);
    const shared = ["authorization", "x-hf-bill-to", "content-type"] as const;
    expect(mine?.path).toBe(theirs?.path);
    expect(shared.map((name) => mine?.headers[name])).toEqual(shared.map((name) => theirs?.headers[name]));
  });

  test("reads the same vectors", async () => {
    service.requests.length = 0;
    const model = "sentence-transformers/all-MiniLM-L6-v2";
    const path = `/hf-inference/models/${model}/pipeline/feature-extraction`;
    const vectors = await client(path).featureExtraction({ model, inputs: ["one", "two three"] });
    const { embeddings } = await (await ours()).embed(["one", "two three"], { model });
    expect(embeddings).toEqual(vectors);
    const [theirs, mine] = service.requests;
    expect([mine?.path, mine?.body]).toEqual([theirs?.path, theirs?.body]);
  });
});
