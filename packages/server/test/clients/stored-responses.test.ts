import type { Message } from "abstractllm";
import OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { createServer, type ModelServer, type ServerOptions } from "../../src/index.ts";
import { type ScriptedAnswer, ScriptedLLM } from "../support/scripted-llm.ts";

let server: ModelServer | undefined;
afterEach(() => server?.close(0));

async function serve(script?: readonly ScriptedAnswer[], options: ServerOptions = {}) {
  const llm = new ScriptedLLM(script);
  server = createServer({ port: 0, models: { m: llm }, ...options });
  const origin = await server.listen();
  const openai = new OpenAI({ baseURL: `${origin}/v1`, apiKey: "k", maxRetries: 0 });
  return { llm, origin, openai };
}

type Body = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream" | "model">;
type Ask = (body: Body) => Promise<OpenAI.Responses.Response>;

/** One way of asking, for requests that follow each other. */
const WAYS: Record<string, (openai: OpenAI) => Ask> = {
  whole: (openai) => (body) => openai.responses.create({ model: "m", ...body }),
  streamed: (openai) => (body) => openai.responses.stream({ model: "m", ...body }).finalResponse(),
};

const WEATHER = {
  type: "function" as const,
  name: "weather",
  parameters: { type: "object" },
  strict: false,
};

describe.each(Object.entries(WAYS))("OpenAI's client, with responses %s,", (_, way) => {
  test("goes on with a conversation by its new turn alone, without the instructions before", async () => {
    const { openai, llm } = await serve([{ text: "Hi, Ann." }, { text: "Ann." }, { text: "Bye." }]);
    const ask = way(openai);
    const first = await ask({ input: "I am Ann.", instructions: "Be kind." });
    const content = [{ type: "input_text" as const, text: "Who am I?" }];
    const second = await ask({ input: [{ role: "user", content }], previous_response_id: first.id });
    const third = await ask({ input: "Bye!", instructions: "Be brief.", previous_response_id: second.id });
    expect(first).toMatchObject({ store: true, previous_response_id: null });
    expect([third.output_text, third.previous_response_id]).toEqual(["Bye.", second.id]);
    expect(llm.calls[2]?.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "I am Ann." },
      { role: "assistant", content: "Hi, Ann.", providerData: { scripted: { seen: 2 } } },
      { role: "user", content: "Who am I?" },
      { role: "assistant", content: "Ann.", providerData: { scripted: { seen: 3 } } },
      { role: "user", content: "Bye!" },
    ]);
  });

  test("brings the results of calls alone, which the model sees behind its thoughts and calls", async () => {
    const toolCalls = [{ id: "c1", name: "weather", arguments: { city: "Bern" } }];
    const { openai, llm } = await serve([{ reasoning: "I look.", toolCalls }, { text: "Rain." }]);
    const ask = way(openai);
    const first = await ask({ input: "Weather?", tools: [WEATHER] });
    const output = { type: "function_call_output" as const, call_id: "c1", output: "rain" };
    const second = await ask({ input: [output], tools: [WEATHER], previous_response_id: first.id });
    expect(second.output_text).toBe("Rain.");
    const expected: Message[] = [
      { role: "user", content: "Weather?" },
      {
        role: "assistant",
        content: "",
        reasoning: "I look.",
        toolCalls,
        providerData: { scripted: { seen: 1 } },
      },
      { role: "tool", content: "rain", toolCallId: "c1", name: "weather" },
    ];
    expect(llm.calls[1]?.messages).toEqual(expected);
  });

  test("gets a response again, and deletes it", async () => {
    const { openai } = await serve();
    const response = await way(openai)({ input: "x", metadata: { a: "b" } });
    const { output_text, ...told } = await openai.responses.retrieve(response.id);
    expect(output_text).toBe(response.output_text);
    expect(response).toMatchObject(told);
    await openai.responses.delete(response.id);
    await expect(openai.responses.retrieve(response.id)).rejects.toMatchObject({ status: 404, code: null });
    await expect(openai.responses.delete(response.id)).rejects.toMatchObject({ status: 404 });
  });

  test("sees which item a limit of tokens cut off", async () => {
    const length = { finishReason: "length" } as const;
    const { openai } = await serve([
      { text: "Half a", ...length },
      { reasoning: "Half a", ...length },
      { reasoning: "Hm.", text: "Half a", ...length },
      { text: "Whole" },
    ]);
    const ask = way(openai);
    const statuses = async () => {
      const { status, incomplete_details, output } = await ask({ input: "x", max_output_tokens: 16 });
      const ofItems = output.map((item) => "status" in item && item.status);
      return [status, incomplete_details?.reason, ...ofItems.slice(0, -1)]; // the last is for the model alone
    };
    const cut = ["incomplete", "max_output_tokens"];
    expect(await statuses()).toEqual([...cut, "incomplete"]);
    expect(await statuses()).toEqual([...cut, "incomplete"]);
    expect(await statuses()).toEqual([...cut, "completed", "incomplete"]);
    expect(await statuses()).toEqual(["completed", undefined, "completed"]);
  });

  test("has nothing kept where it does not want that", async () => {
    const { openai } = await serve();
    const response = await way(openai)({ input: "x", store: false });
    const { id } = response;
    expect(response).toMatchObject({ store: false });
    await expect(openai.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
    await expect(way(openai)({ input: "x", previous_response_id: id })).rejects.toMatchObject({
      status: 400,
      code: "previous_response_not_found",
      param: "previous_response_id",
      message: expect.stringContaining("no more than its last 1000 stored responses"),
    });
  });
});

test("a call that was cut off in a stream is an incomplete item, and no part of the conversation", async () => {
  const cutCall = { id: "c1", name: "weather", text: '{"city": "Be' };
  const { openai, llm } = await serve([
    { text: "I look.", cutCall, finishReason: "length" },
    { text: "So?" },
  ]);
  const stream = openai.responses.stream({ model: "m", input: "Weather?", tools: [WEATHER] });
  const done: string[] = [];
  for await (const event of stream) {
    if (event.type === "response.function_call_arguments.done") done.push(event.arguments);
  }
  const first = await stream.finalResponse();
  expect(done).toEqual(['{"city": "Be']);
  expect(first.output.map(({ type }) => type)).toEqual(["message", "function_call", "reasoning"]);
  expect(first.output[0]).toMatchObject({ status: "completed" });
  expect(first.output[1]).toMatchObject({ status: "incomplete", arguments: '{"city": "Be', name: "weather" });
  await openai.responses.create({ model: "m", input: "And?", previous_response_id: first.id });
  expect(llm.calls[1]?.messages[1]).toEqual({
    role: "assistant",
    content: "I look.",
    providerData: { scripted: { seen: 1 } },
  });
});

test("the input of a response is listed, with the conversation before it", async () => {
  const { openai } = await serve([{ text: "One!" }, { text: "Two!" }]);
  const first = await openai.responses.create({ model: "m", input: "One?" });
  const second = await openai.responses.create({
    model: "m",
    input: [
      { role: "assistant", content: "Well." },
      { role: "user", content: "Two?", type: "message" },
      { type: "function_call_output", call_id: "c9", output: "x" },
    ],
    previous_response_id: first.id,
  });
  const list = (query?: OpenAI.Responses.InputItems.InputItemListParams) =>
    openai.responses.inputItems.list(second.id, query);
  const { data } = await list({ order: "asc" });
  expect(data).toMatchObject([
    { type: "message", role: "user", status: "completed", content: [{ type: "input_text", text: "One?" }] },
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "One!" }] },
    { type: "reasoning" },
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "Well." }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "Two?" }] },
    { type: "function_call_output", call_id: "c9", output: "x" },
  ]);
  const ids = data.map(({ id }) => id);
  expect(new Set(ids).size).toBe(6);
  expect((await list()).data).toEqual(data.toReversed());
  const all: unknown[] = [];
  for await (const item of list({ limit: 4, include: ["reasoning.encrypted_content"] })) all.push(item);
  expect(all).toEqual(data.toReversed());
  const { data: page, has_more } = await list({ limit: 2, order: "asc", after: `${ids[1]}` });
  expect([page, has_more]).toEqual([data.slice(2, 4), true]);
  expect((await list({ limit: 2, order: "asc", after: `${ids[3]}` })).has_more).toBe(false);
  const wrong: [object, string][] = [
    [{ limit: 0 }, "limit"],
    [{ limit: 101 }, "limit"],
    [{ order: "up" }, "order"],
    [{ after: "msg_none" }, "after"],
    [{ before: "msg_none" }, "before"],
    [{ include: ["file_search_call.results"] }, "include"],
  ];
  for (const [query, param] of wrong) await expect(list(query)).rejects.toMatchObject({ status: 400, param });
  await expect(openai.responses.inputItems.list("resp_none")).rejects.toMatchObject({ status: 404 });
});

test("items of kept responses can be sent by their ids", async () => {
  const toolCalls = [{ id: "c1", name: "weather", arguments: {} }];
  const { openai, llm } = await serve([{ reasoning: "Hm.", toolCalls }, { text: "Rain." }]);
  const first = await openai.responses.create({ model: "m", input: "Weather?", tools: [WEATHER] });
  const { data } = await openai.responses.inputItems.list(first.id);
  const reference = (id: string | undefined) => ({ type: "item_reference" as const, id: `${id}` });
  const ask = (input: OpenAI.Responses.ResponseInput) => openai.responses.create({ model: "m", input });
  const second = await ask([
    reference(data[0]?.id),
    ...first.output.map(({ id }) => reference(id)),
    { type: "function_call_output", call_id: "c1", output: "rain" },
  ]);
  expect(llm.calls[1]?.messages).toMatchObject([
    { role: "user", content: "Weather?" },
    { role: "assistant", reasoning: "Hm.", toolCalls, providerData: { scripted: { seen: 1 } } },
    { role: "tool", content: "rain", name: "weather" },
  ]);
  const { data: kept } = await openai.responses.inputItems.list(second.id);
  expect(kept.map(({ type }) => type)).not.toContain("item_reference");
  await expect(ask([reference("msg_123abc_1")])).rejects.toMatchObject({ status: 400, param: "input[0].id" });
});

test("the oldest responses go first, and the server says how many it keeps", async () => {
  const { openai, llm } = await serve(undefined, { maxStoredResponses: 2 });
  const ids: string[] = [];
  for (const input of ["a", "b", "c"]) {
    const previous = ids.at(-1);
    const more = previous === undefined ? {} : { previous_response_id: previous };
    ids.push((await openai.responses.create({ model: "m", input, ...more })).id);
  }
  expect(llm.calls[2]?.messages).toHaveLength(5);
  const [first = "", , last = ""] = ids;
  await expect(openai.responses.retrieve(first)).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining("no more than its last 2 stored responses"),
  });
  await openai.responses.create({ model: "m", input: "d", previous_response_id: last });
  expect(llm.calls[3]?.messages).toHaveLength(7); // what the last one follows is still there
});

test("responses that take too much are not kept, and none are where there are to be none", async () => {
  const { openai } = await serve(undefined, { maxStoredBytes: 5000 });
  const small = await openai.responses.create({ model: "m", input: "x" });
  const large = await openai.responses.create({ model: "m", input: "x".repeat(5000) });
  expect((await openai.responses.retrieve(small.id)).id).toBe(small.id);
  await expect(openai.responses.retrieve(large.id)).rejects.toMatchObject({ status: 404 });
  await server?.close();
  const { openai: other } = await serve(undefined, { maxStoredResponses: 0 });
  const response = await other.responses.create({ model: "m", input: "x", store: true });
  expect(response).toMatchObject({ store: false });
  await expect(other.responses.retrieve(response.id)).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining("this server keeps none"),
  });
});

test.each([
  ["background", { background: true }],
  ["conversation", { conversation: "conv_1" }],
  ["include", { include: ["file_search_call.results"] }],
  ["previous_response_id", { previous_response_id: 5 }],
])("is told that %s cannot be had", async (param, more) => {
  const { openai } = await serve();
  const body = { model: "m", input: "x", ...more } as OpenAI.Responses.ResponseCreateParamsNonStreaming;
  await expect(openai.responses.create(body)).rejects.toMatchObject({ status: 400, param });
});

test("a response that has ended is not cancelled", async () => {
  const { openai } = await serve();
  const { id } = await openai.responses.create({ model: "m", input: "x", background: false });
  await expect(openai.responses.cancel(id)).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining("cannot be cancelled"),
  });
  await expect(openai.responses.cancel("resp_none")).rejects.toMatchObject({ status: 404 });
});

test("a response is not streamed again, and its address takes no other parameters", async () => {
  const { openai } = await serve();
  const { id } = await openai.responses.create({ model: "m", input: "x" });
  expect((await openai.responses.retrieve(id, { stream: false })).id).toBe(id);
  for (const query of [{ stream: true }, { starting_after: 1 }] as const) {
    await expect(openai.responses.retrieve(id, query)).rejects.toMatchObject({
      status: 400,
      param: Object.keys(query)[0],
    });
  }
});
