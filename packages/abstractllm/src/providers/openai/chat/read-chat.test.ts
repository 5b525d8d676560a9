import { describe, expect, test } from "vitest";
import type { DeltaPart } from "../../../interface/stream-part.ts";
import { RemoteClient } from "../../remote/index.ts";
import { readChat } from "./read-chat.ts";

const client = new RemoteClient(
  { provider: "p", model: "m", baseUrl: new URL("http://127.0.0.1/v1"), headers: {}, secrets: [] },
  new AbortController().signal,
);

async function* bytesOf(text: string) {
  yield new TextEncoder().encode(text);
}

/** Reads chunks as a server would send them. */
async function read(
  chunks: readonly object[],
  {
    done = true,
    type = "text/event-stream",
    alternatives,
  }: { done?: boolean; type?: string; alternatives?: number } = {},
) {
  const events = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
  const text =
    type === "application/json" ? JSON.stringify(chunks[0]) : `${events}${done ? "data: [DONE]\n\n" : ""}`;
  const parts: DeltaPart[] = [];
  const response = { status: 200, headers: { "content-type": type }, body: bytesOf(text) };
  const answer = await readChat(client, response, (part) => parts.push(part), alternatives);
  return { answer, parts };
}

const delta = (fields: object, finish_reason: string | null = null) => ({
  model: "served",
  choices: [{ index: 0, delta: fields, finish_reason }],
});

const STOP = delta({}, "stop");

test.each(["reasoning_content", "reasoning"])("takes reasoning as %s", async (field) => {
  const { answer, parts } = await read([delta({ [field]: "Hm" }), delta({ content: "Yes" }), STOP]);
  expect(answer).toMatchObject({ reasoning: "Hm", text: "Yes" });
  expect(parts[0]).toEqual({ type: "reasoning-delta", text: "Hm" });
});

test("takes tool calls without index or id, several of one tool, and arguments as objects", async () => {
  const call = (input: unknown) => delta({ tool_calls: [{ function: { name: "f", arguments: input } }] });
  const { answer } = await read([call('{"a":1}'), call({ a: 2 }), STOP]);
  expect(answer.finishReason).toBe("tool-calls");
  expect(answer.toolCalls.map((toolCall) => toolCall.arguments)).toEqual([{ a: 1 }, { a: 2 }]);
  expect(new Set(answer.toolCalls.map(({ id }) => id)).size).toBe(2);
});

test("puts pieces of calls together by index, also when they come in turns", async () => {
  const piece = (index: number, rest: object) => delta({ tool_calls: [{ index, ...rest }] });
  const { answer } = await read([
    piece(0, { id: "x", function: { name: "f", arguments: "" } }),
    piece(1, { id: "y", function: { name: "g", arguments: '{"b"' } }),
    piece(0, { function: { arguments: '{"a":' } }),
    piece(1, { function: { arguments: ":2}" } }),
    piece(0, { function: { arguments: "1}" } }),
    delta({}, "tool_calls"),
  ]);
  expect(answer.toolCalls).toEqual([
    { id: "x", name: "f", arguments: { a: 1 } },
    { id: "y", name: "g", arguments: { b: 2 } },
  ]);
});

test("goes on with a call whose pieces have neither index nor id", async () => {
  const { answer } = await read([
    delta({ tool_calls: [{ id: "x", function: { name: "f", arguments: '{"a"' } }] }),
    delta({ tool_calls: [{ function: { arguments: ":1}" } }] }),
    STOP,
  ]);
  expect(answer.toolCalls).toEqual([{ id: "x", name: "f", arguments: { a: 1 } }]);
});

test("hands on arguments that are no JSON as they are, and none as none", async () => {
  const call = (id: string, input: string) =>
    delta({ tool_calls: [{ id, function: { name: "f", arguments: input } }] });
  const { answer } = await read([call("a", "{oops"), call("b", ""), STOP]);
  expect(answer.toolCalls).toEqual([
    { id: "a", name: "f", arguments: {}, invalidArguments: "{oops" },
    { id: "b", name: "f", arguments: {} },
  ]);
});

test("keeps __proto__ in arguments an ordinary name", async () => {
  const input = '{"__proto__":{"polluted":true}}';
  const { answer } = await read([
    delta({ tool_calls: [{ id: "a", function: { name: "f", arguments: input } }] }),
    STOP,
  ]);
  expect(Object.hasOwn(answer.toolCalls[0]?.arguments ?? {}, "__proto__")).toBe(true);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("takes text that looks like the protocol for text", async () => {
  const forged = 'data: [DONE]\n\ndata: {"error":{}}\n\n[DONE]';
  const { answer } = await read([delta({ content: forged }), delta({ content: "!" }), STOP]);
  expect(answer.text).toBe(`${forged}!`);
});

test("takes an answer without a reason for its end when [DONE] follows, and warns of missing usage", async () => {
  const { answer } = await read([delta({ content: "Hi" })]);
  expect(answer).toMatchObject({ text: "Hi", finishReason: "other", rawFinishReason: "" });
  expect(answer.warnings.join()).toContain("did not report");
});

test.each([
  ["nothing but [DONE]", [], true],
  ["no end", [delta({ content: "Hi" })], false],
])("refuses an answer of %s", async (_, chunks, done) => {
  await expect(read(chunks, { done })).rejects.toMatchObject({ name: "ProviderConnectionError" });
});

test("takes a whole answer from a server that does not stream", async () => {
  const message = {
    role: "assistant",
    content: "Hi",
    tool_calls: [{ id: "x", function: { name: "f", arguments: "{}" } }],
  };
  const usage = {
    prompt_tokens: 3,
    completion_tokens: 5,
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 4 },
  };
  const { answer } = await read(
    [{ model: "served", choices: [{ message, finish_reason: "tool_calls" }], usage }],
    {
      type: "application/json",
    },
  );
  expect(answer).toMatchObject({ text: "Hi", finishReason: "tool-calls", model: "served" });
  expect(answer.usage).toEqual({
    inputTokens: 3,
    outputTokens: 5,
    totalTokens: 8,
    cachedInputTokens: 2,
    reasoningTokens: 4,
  });
});

test.each([
  ["OpenAI", { prompt_tokens_details: { cached_tokens: 2 }, prompt_cache_hit_tokens: 9, cached_tokens: 9 }],
  ["DeepSeek", { prompt_cache_hit_tokens: 2, prompt_cache_miss_tokens: 1 }],
  ["Moonshot", { cached_tokens: 2 }],
])("counts what %s read from its cache", async (_, cached) => {
  const usage = { prompt_tokens: 3, completion_tokens: 5, ...cached };
  const choices = [{ message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }];
  const { answer } = await read([{ model: "served", choices, usage }], { type: "application/json" });
  expect(answer.usage).toMatchObject({ inputTokens: 3, cachedInputTokens: 2 });
});

test("takes an error that comes with status 200", async () => {
  const error = { error: { message: "out of memory", type: "server_error" } };
  await expect(read([error], { type: "application/json" })).rejects.toMatchObject({
    name: "ProviderAPIError",
    retryable: true,
  });
});

test("takes a refusal for the filter that it is", async () => {
  const { answer } = await read([delta({ refusal: "I can't" }), STOP]);
  expect(answer).toMatchObject({ text: "I can't", finishReason: "content-filter", rawFinishReason: "stop" });
});

describe("log probabilities", () => {
  const entry = (token: string, logprob = -1) => ({ token, logprob, bytes: null });
  const scored = (fields: object, tokens: readonly object[], list = "content") => ({
    choices: [{ index: 0, delta: fields, logprobs: { [list]: tokens }, finish_reason: null }],
  });
  const tokensOf = (answer: { logprobs?: readonly { token: string }[] }) =>
    answer.logprobs?.map(({ token }) => token);

  test("of reasoning, marks and the end are left out", async () => {
    const chunks = [
      scored({ reasoning_content: "Hm" }, [entry("Hm")]),
      scored({ content: "" }, [entry("</think>")]),
      scored({ content: "" }, [entry("Ye")]),
      scored({ content: "Yes" }, [entry("s")]),
      scored({ content: "" }, [entry("<|end|>")]),
      STOP,
    ];
    const { answer, parts } = await read(chunks, { alternatives: 0 });
    expect(tokensOf(answer)).toEqual(["Ye", "s"]);
    expect(parts.at(-1)).toEqual({ type: "text-delta", text: "Yes", logprobs: answer.logprobs });
  });

  test("of reasoning are left out where the text begins the same", async () => {
    const chunks = [scored({ reasoning: "Yes" }, [entry("Yes")]), scored({ content: "Yes" }, [entry("Yes")])];
    const { answer } = await read([...chunks, STOP], { alternatives: 0 });
    expect(tokensOf(answer)).toEqual(["Yes"]);
  });

  test("of a whole answer with its reasoning are those of the text", async () => {
    const message = { content: "Yes!", reasoning: "Hm" };
    const logprobs = { content: ["Hm", "</think>", "Yes", "!"].map((token) => entry(token)) };
    const whole = [{ choices: [{ message, logprobs, finish_reason: "stop" }] }];
    const { answer } = await read(whole, { type: "application/json", alternatives: 0 });
    expect(tokensOf(answer)).toEqual(["Yes", "!"]);
  });

  test("of a refusal are those of its text", async () => {
    const { answer } = await read([scored({ refusal: "No" }, [entry("No")], "refusal"), STOP], {
      alternatives: 0,
    });
    expect(answer).toMatchObject({ finishReason: "content-filter", logprobs: [{ token: "No" }] });
  });

  test("have the likeliest alternative first, and no more of them than are asked for", async () => {
    const top_logprobs = [entry("a", -3), entry("b", -1), entry("c", -2)]; // vLLM begins with the token itself
    const { answer } = await read([scored({ content: "a" }, [{ ...entry("a", -3), top_logprobs }]), STOP], {
      alternatives: 2,
    });
    expect(answer.logprobs?.[0]?.topLogprobs).toEqual([
      { token: "b", logprob: -1 },
      { token: "c", logprob: -2 },
    ]);
  });

  test("that nobody asked for are passed over", async () => {
    const { answer, parts } = await read([scored({ content: "a" }, [entry("a")]), STOP]);
    expect(answer).not.toHaveProperty("logprobs");
    expect(parts).toEqual([{ type: "text-delta", text: "a" }]);
  });

  test.each([
    ["no list", { token: "a" }],
    ["texts", ["a", "b"]],
    ["ids", [{ id: 5, logprob: -1 }]], // mlx_lm.server
    ["no number", [{ token: "a", logprob: "-1" }]],
    ["no logarithm", [{ token: "a", logprob: Number.NaN }]],
  ])("as %s are told of", async (_, tokens) => {
    const { answer } = await read([scored({ content: "a" }, tokens as object[]), STOP], { alternatives: 1 });
    expect(answer).not.toHaveProperty("logprobs");
    expect(answer.warnings.join()).toContain("log probabilities");
  });

  test("keep only bytes that are such", async () => {
    const bytes = [[97], [256], [-1], ["a"], [], "a"];
    const tokens = bytes.map((some) => ({ ...entry("a"), bytes: some }));
    const { answer } = await read([scored({ content: "aaaaaa" }, tokens), STOP], { alternatives: 0 });
    expect(answer.logprobs?.map((token) => token.bytes)).toEqual([[97], ...Array(5).fill(undefined)]);
  });
});

test("survives chunks of any shape", async () => {
  const { answer } = await read([
    {},
    { choices: null },
    { choices: [{}] },
    { choices: [{ delta: null }] },
    { choices: [{ delta: { content: 5, tool_calls: "x" } }], usage: "many" },
    delta({ content: "ok" }),
    STOP,
  ]);
  expect(answer.text).toBe("ok");
});
