import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createLLM, type LLMConfig, type Message, type StreamPart } from "../../src/index.ts";
import { anthropicError, anthropicService } from "../services/anthropic-service.ts";
import { type Fault, HttpService } from "../services/http-service.ts";
import { nativeCases } from "./native-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { EVENT_FAULTS, type FaultRow } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const apiKey = "sk-ant-canary-key";
const behaviour = anthropicService({ apiKey });

const error =
  (status: number, type: string, message: string, headers: Record<string, string> = {}): Fault =>
  () =>
    anthropicError(status, type, message, { "request-id": "req_test", ...headers });

/** Puts something into the stream, after the first text. */
const insert =
  (...events: string[]): Fault =>
  ({ body: [first = "", ...others], ...answer }) => ({ ...answer, body: [first, ...events, ...others] });

/** Ends the stream with an error behind its first event. */
const breakAfterStart =
  (failure: string): Fault =>
  ({ body: [first = ""], ...answer }) => ({
    ...answer,
    body: [`${`${first}`.split("\n\n")[0]}\n\n`, failure],
  });

const FIRST = [375, 500] as const;

/** Faults in Anthropic's own words. */
const FAULTS: readonly FaultRow[] = [
  ...EVENT_FAULTS,
  ["overloaded, once", [error(529, "overloaded_error", "Overloaded")], { answer: "regular", waits: [FIRST] }],
  [
    "overloaded, for ever",
    Array(3).fill(error(529, "overloaded_error", "Overloaded")),
    { error: "ProviderAPIError", retryable: true, requests: 3, message: "Overloaded (HTTP 529)" },
  ],
  [
    "a rate limit, with the time to wait",
    [error(429, "rate_limit_error", "This request would exceed your rate limit", { "retry-after": "12" })],
    { answer: "regular", waits: [12_000] },
  ],
  [
    "a rate limit that says not to retry",
    [error(429, "rate_limit_error", "Spend limit", { "x-should-retry": "false" })],
    { error: "QuotaExceededError", retryable: false, requests: 1 },
  ],
  [
    "no money left",
    [error(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")],
    { error: "QuotaExceededError", retryable: false, requests: 1 },
  ],
  [
    "a prompt that is too long",
    [error(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")],
    { error: "ContextWindowExceededError", requests: 1 },
  ],
  [
    "a prompt that leaves no room",
    [
      error(
        400,
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
      ),
    ],
    { error: "ContextWindowExceededError", requests: 1 },
  ],
  [
    "a request that is too large",
    [error(413, "request_too_large", "Too large")],
    { error: "InvalidRequestError" },
  ],
  ["no permission", [error(403, "permission_error", "No")], { error: "AuthenticationError", requests: 1 }],
  ["a failure inside, once", [error(500, "api_error", "Internal")], { answer: "regular", waits: [FIRST] }],
  ["a timeout inside, once", [error(504, "timeout_error", "Late")], { answer: "regular", waits: [FIRST] }],
  [
    "an overload in the middle",
    [
      insert(
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_9"}\n\n',
      ),
    ],
    { error: "ProviderAPIError", retryable: true, requests: 1, afterText: true },
  ],
  [
    "an overload once the prompt was read, once",
    [
      breakAfterStart(
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
      ),
    ],
    { answer: "regular", waits: [FIRST] },
  ],
  [
    "events, blocks and deltas nobody knows",
    [
      insert(
        'event: news\ndata: {"type":"news"}\n\n',
        'event: content_block_start\ndata: {"type":"content_block_start","index":7,"content_block":{"type":"hologram"}}\n\n',
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":7,"delta":{"type":"light_delta","text":"x"}}\n\n',
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":99,"delta":{"type":"text_delta","text":"x"}}\n\n',
      ),
    ],
    { answer: "regular" },
  ],
  [
    "no message_stop after the reason for the end",
    [
      (answer) => ({
        ...answer,
        body: answer.body.map((step) => `${step}`.replace(/event: message_stop.*/s, "")),
      }),
    ],
    { answer: "regular" },
  ],
];

const SUBJECT = {
  provider: "anthropic",
  behaviour,
  config: { apiKey, model: "claude-haiku-4-5" }, // the newest models take no temperature
  basePath: "",
  faults: FAULTS,
  visionModel: "claude-haiku-4-5",
  embeddings: undefined,
} as const;

sharedCases(SUBJECT, ["timings", "loading", "seed"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);

describe("the newest models", () => {
  nativeCases({ ...SUBJECT, config: { apiKey } });
});

describe("the messages API", () => {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(behaviour);
  });
  beforeEach(() => {
    service.requests.length = 0;
    service.faults.length = 0;
  });
  afterAll(() => service.stop());

  const open = (config: LLMConfig = {}) =>
    createLLM("anthropic", { apiKey, baseUrl: service.origin, ...config });
  const bodies = () => service.requests.map(({ body }) => body);

  /** Gives an answer with this end. */
  const ending =
    (stop_reason: string): Fault =>
    (answer) => ({
      ...answer,
      body: answer.body.map((step) =>
        `${step}`.replace(/"stop_reason":"\w+"/, `"stop_reason":"${stop_reason}"`),
      ),
    });

  test.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["tool_use", "tool-calls"],
    ["refusal", "content-filter"],
    ["pause_turn", "other"],
    ["something_new", "other"],
  ])("ends with %s, which is %s", async (raw, finishReason) => {
    service.faults.push(ending(raw));
    const response = await (await open()).generate("x");
    expect(response).toMatchObject({ finishReason, rawFinishReason: raw });
  });

  test("leads with the system prompts, and leaves later ones where they are", async () => {
    const messages: Message[] = [
      { role: "system", content: "Be brief." },
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hi" },
      { role: "system", content: "Now be long." },
      { role: "user", content: "Well?" },
    ];
    await (await open()).generate(messages);
    expect(bodies()[0]).toMatchObject({
      system: "Be brief.\n\nBe kind.",
      messages: [
        { role: "user", content: [{ type: "text", text: "Hi" }] },
        { role: "system", content: "Now be long." },
        { role: "user", content: [{ type: "text", text: "Well?" }] },
      ],
    });
  });

  test("gets the results of several tools, and what the user says next, in one message", async () => {
    const call = (id: string) => ({ id, name: "f", arguments: { a: 1 } });
    const messages: Message[] = [
      { role: "user", content: "Go" },
      { role: "assistant", content: "", toolCalls: [call("functions.f:0"), call("b")] },
      { role: "tool", toolCallId: "functions.f:0", content: "one" },
      { role: "tool", toolCallId: "b", content: "broken", isError: true },
      { role: "user", content: "Go on" },
      { role: "assistant", content: "So \n" },
    ];
    await (await open({ tools: [{ name: "f" }] })).generate(messages);
    const use = (id: string) => ({ type: "tool_use", id, name: "f", input: { a: 1 } });
    expect(bodies()[0]?.messages).toEqual([
      { role: "user", content: [{ type: "text", text: "Go" }] },
      { role: "assistant", content: [use("functions_f_0"), use("b")] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "functions_f_0", content: "one" },
          { type: "tool_result", tool_use_id: "b", content: "broken", is_error: true },
          { type: "text", text: "Go on" },
        ],
      },
      { role: "assistant", content: [{ type: "text", text: "So" }] },
    ]);
  });

  test("gets the address of an image as an address", async () => {
    const url = "https://example.com/a.png";
    await (await open()).generate([
      {
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image", image: url },
        ],
      },
    ]);
    expect(bodies()[0]?.messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image", source: { type: "url", url } },
        ],
      },
    ]);
  });

  test.each([
    ["claude-haiku-5-5", {}, { max_tokens: 16_384 }],
    ["claude-haiku-5-5", { reasoning: false }, { thinking: { type: "disabled" }, max_tokens: 2048 }],
    [
      "claude-haiku-5-5",
      { reasoning: "low" },
      { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: "low" } },
    ],
    [
      "claude-haiku-5-5",
      { reasoning: true, maxTokens: 99 },
      { thinking: { type: "adaptive" }, max_tokens: 99 },
    ],
    ["claude-haiku-4-5", {}, { max_tokens: 2048 }],
    ["claude-haiku-4-5", { reasoning: false }, { max_tokens: 2048 }],
    ["claude-haiku-4-5", { reasoning: { maxTokens: 0 } }, { max_tokens: 2048 }],
    [
      "claude-haiku-4-5",
      { reasoning: "medium" },
      { thinking: { type: "enabled", budget_tokens: 4096 }, max_tokens: 6144 },
    ],
    [
      "claude-haiku-4-5",
      { reasoning: { maxTokens: 5000 } },
      { thinking: { type: "enabled", budget_tokens: 5000 }, max_tokens: 7048 },
    ],
  ] as const)("is told how much %s thinks by %j", async (model, options, body) => {
    await (await open({ model })).generate("x", options);
    expect(bodies()[0]).toMatchObject(body);
    expect(bodies()[0]).toHaveProperty("max_tokens");
    if (!("thinking" in body)) expect(bodies()[0]).not.toHaveProperty("thinking");
  });

  test.each([
    ["claude-opus-5-5", false, "always thinks"],
    ["claude-haiku-5-5", { maxTokens: 2000 }, "no limit of reasoning tokens"],
    ["claude-haiku-4-5", { maxTokens: 2000, effort: "low" }, "not both"],
    ["claude-3-5-haiku-20241022", "low", "does not think"],
  ] as const)("never asks %s to reason as it cannot: %j", async (model, reasoning, message) => {
    await expect((await open({ model })).generate("x", { reasoning })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      feature: "reasoning",
      message: expect.stringContaining(message),
    });
    expect(service.requests).toEqual([]);
  });

  test("streams what the model thinks, and counts it", async () => {
    const { reasoning, usage } = await (await open()).generate("x", { reasoning: true });
    expect(reasoning).toBe("Let me think.");
    expect(usage.reasoningTokens).toBe(2);
  });

  test("counts what was read from a cache as part of the input", async () => {
    const llm = await open();
    const prompt = "one two three four five six seven eight nine ten eleven";
    const { usage } = await llm.generate(prompt);
    expect(usage.cachedInputTokens).toBe(1);
    expect(usage.inputTokens).toBe(await llm.countTokens(prompt));
    const { inputTokens, cachedInputTokens } = usage;
    const parts: StreamPart[] = [];
    for await (const part of llm.stream(prompt)) parts.push(part);
    expect(parts[0]).toEqual({ type: "prompt-usage", inputTokens, cachedInputTokens });
  });

  test("is left without harm when the answer has come but was not read", async () => {
    const llm = await open();
    for await (const part of llm.stream("one two three")) if (part.type === "prompt-usage") break;
    await new Promise((resolve) => setImmediate(resolve)); // an error that nobody hears comes now
    expect((await llm.generate("one two three")).text).not.toBe("");
  });

  test.each([
    [true, { type: "ephemeral" }],
    ["5m", { type: "ephemeral" }],
    ["1h", { type: "ephemeral", ttl: "1h" }],
    [false, undefined],
  ] as const)("is asked to keep the prompt for %j", async (promptCaching, control) => {
    const llm = await open();
    const { usage } = await llm.generate("one two three", { promptCaching });
    expect(bodies()[0]?.cache_control).toEqual(control);
    expect(usage.inputTokens).toBe(await llm.countTokens("one two three", { promptCaching }));
    expect(bodies()[1]).not.toHaveProperty("cache_control");
    await expect(llm.generate("x", { promptCaching: "2h" as "1h" })).rejects.toMatchObject({
      parameter: "promptCaching",
    });
  });

  test("gets its own thinking back, signed, with the results of tools and in the next prompt", async () => {
    const llm = await open({ reasoning: "low" });
    const question: Message = { role: "user", content: "Use the tools" };
    const { messages } = await llm.generate([question], { tools: [{ name: "f", execute: () => "ok" }] });
    await llm.generate([question, ...messages, { role: "user", content: "And now?" }]);
    const thought = { type: "thinking", thinking: "Let me think.", signature: "EqQBCgIYAhIM" };
    const contents = bodies().map(({ messages: sent }) =>
      (sent as { content: { type: string }[] }[]).slice(1),
    );
    expect(contents[1]?.[0]?.content).toEqual([
      thought,
      { type: "tool_use", id: "toolu_0_1", name: "f", input: {} },
    ]);
    expect(contents[2]?.flatMap(({ content }) => content).filter(({ type }) => type === "thinking")).toEqual([
      thought,
      thought,
    ]);
  });

  test("never gets back what another model thought", async () => {
    const question: Message = { role: "user", content: "Use the tools" };
    const tools = [{ name: "f", execute: () => "ok" }];
    const { messages } = await (await open({ reasoning: "low" })).generate([question], { tools });
    expect(JSON.stringify(messages)).toContain("signature");
    for (const model of ["claude-opus-5-5", "claude-haiku-4-5"]) {
      service.requests.length = 0;
      await (await open({ model })).generate([question, ...messages, question]);
      const sent = JSON.stringify(bodies()[0]?.messages);
      expect(sent).toContain("tool_use");
      expect(sent).not.toContain("thinking");
    }
  });

  test("never counts with what only an answer needs", async () => {
    await (await open()).countTokens("x", { reasoning: "low", stop: "y", user: "u" });
    expect(Object.keys(bodies()[0] ?? {})).toEqual(["model", "messages", "thinking", "output_config"]);
  });

  test("holds the answer to what it can of a schema, and tells the model the rest", async () => {
    const schema = {
      type: "object",
      properties: { count: { type: "integer", maximum: 9 } },
      required: ["count"],
    };
    const { object } = await (await open()).generate("Count.", { schema });
    expect(object).toEqual({ count: 7 });
    expect(bodies()[0]).toMatchObject({
      output_config: {
        format: {
          schema: {
            type: "object",
            properties: { count: { type: "integer" } },
            required: ["count"],
            additionalProperties: false,
          },
        },
      },
      system: expect.stringContaining('"maximum":9'),
    });
  });

  test("tells a schema that it cannot hold, or a model that knows none, in the prompt alone", async () => {
    const anyProperties = { type: "object", additionalProperties: { type: "string" } };
    const simple = { type: "object", properties: {}, additionalProperties: false };
    const old = await open({ model: "claude-3-5-haiku-20241022" });
    await (await open()).generate("x", { schema: anyProperties, maxSchemaRetries: 0 }).catch(() => {});
    await old.generate("x", { schema: simple, maxSchemaRetries: 0 }).catch(() => {});
    for (const body of bodies()) {
      expect(body).not.toHaveProperty("output_config");
      expect(body.system).toContain("JSON Schema");
    }
  });

  test("takes an answer that comes whole, with thinking and tool calls, and an error with status 200", async () => {
    const llm = await open({ reasoning: true });
    const streamed = await llm.generate("Use the tools", { tools: [{ name: "f" }] });
    service.faults.push((_, request) => behaviour({ ...request, body: { ...request.body, stream: false } }));
    const whole = await llm.generate("Use the tools", { tools: [{ name: "f" }] });
    expect({ ...whole, raw: undefined }).toEqual({ ...streamed, raw: undefined });
    service.faults.push(() => ({ ...anthropicError(529, "overloaded_error", "Overloaded"), status: 200 }));
    await expect((await open({ maxRetries: 0 })).generate("x")).rejects.toMatchObject({
      name: "ProviderAPIError",
      retryable: true,
    });
  });

  test("names the request that failed, also one that failed within the answer", async () => {
    service.faults.push(error(400, "invalid_request_error", "No"));
    await expect((await open()).generate("x")).rejects.toMatchObject({
      requestId: "req_test",
      details: { status: 400, type: "invalid_request_error" },
    });
    service.faults.push(
      insert(
        'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"},"request_id":"req_9"}\n\n',
      ),
    );
    await expect((await open({ maxRetries: 0 })).generate("x")).rejects.toMatchObject({ requestId: "req_9" });
  });
});
