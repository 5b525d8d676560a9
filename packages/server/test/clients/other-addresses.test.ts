import Anthropic from "@anthropic-ai/sdk";
import { createLLM, type Message, registerProvider } from "abstractllm";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";
import {
  createServer,
  type ModelConfig,
  type ModelServer,
  type ModelSource,
  type ServerOptions,
} from "../../src/index.ts";
import { type ScriptedAnswer, ScriptedLLM } from "../support/scripted-llm.ts";

let server: ModelServer | undefined;
afterEach(() => server?.close(0));

async function serve(script?: readonly ScriptedAnswer[], options: ServerOptions = {}) {
  const llm = new ScriptedLLM(script, { model: "gpt-4o" });
  server = createServer({ port: 0, models: { m: llm }, ...options });
  const origin = await server.listen();
  return {
    llm,
    origin,
    openai: new OpenAI({ baseURL: `${origin}/v1`, apiKey: "k", maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: origin, apiKey: "k", maxRetries: 0 }),
    ollama: new Ollama({ host: origin }),
  };
}

describe("OpenAI's client", () => {
  test("goes on with a text, streamed and whole", async () => {
    const { openai, llm } = await serve([{ text: " upon a time" }]);
    const request = { model: "m", prompt: "Once", max_tokens: 9 };
    const whole = await openai.completions.create(request);
    let text = "";
    let usage: unknown;
    const options = { stream: true as const, stream_options: { include_usage: true } };
    for await (const chunk of await openai.completions.create({ ...request, ...options })) {
      text += chunk.choices[0]?.text ?? "";
      usage = chunk.usage ?? usage;
    }
    expect([whole.choices[0]?.text, text]).toEqual([" upon a time", " upon a time"]);
    expect(usage).toEqual(whole.usage);
    expect(llm.calls[0]?.prompt).toBe("Once");
    expect(llm.calls[0]?.options.chatTemplate).toBe(false);
  });

  test("gets several answers to one question, streamed and whole, which count its tokens once", async () => {
    const script = ["One", "Two", "Three"].map((text) => ({ text }));
    const { openai, llm } = await serve([...script, ...script]);
    const messages = [{ role: "user" as const, content: "Count" }];
    const request = { model: "m", messages, n: 3, seed: 5 };
    const whole = await openai.chat.completions.create(request);
    expect(whole.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, "One"],
      [1, "Two"],
      [2, "Three"],
    ]);
    expect(whole.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 15, total_tokens: 25 });
    expect(llm.calls.map(({ options }) => options.seed)).toEqual([5, 6, 7]);
    const stream = openai.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    const streamed = await stream.finalChatCompletion();
    expect(streamed.choices.map(({ message }) => message.content)).toEqual(["One", "Two", "Three"]);
    expect(streamed.choices.map(({ finish_reason }) => finish_reason)).toEqual(["stop", "stop", "stop"]);
    expect(streamed.usage).toEqual(whole.usage);
  });

  test("goes on with several texts, each several times", async () => {
    const script = ["a", "b", "c", "d"].map((text) => ({ text }));
    const { openai, llm } = await serve([...script, ...script]);
    const request = { model: "m", prompt: ["One", "Two"], n: 2 };
    const { choices, usage } = await openai.completions.create(request);
    expect(choices.map(({ index, text }) => [index, text])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
      [3, "d"],
    ]);
    expect(llm.calls.map(({ prompt }) => prompt)).toEqual(["One", "One", "Two", "Two"]);
    expect(usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 20 });
    const texts = ["", "", "", ""];
    const asked = { ...request, stream: true as const, stream_options: { include_usage: true } };
    let streamed: unknown;
    for await (const chunk of await openai.completions.create(asked)) {
      for (const { index, text } of chunk.choices) texts[index] += text;
      streamed = chunk.usage ?? streamed;
    }
    expect([texts, streamed]).toEqual([["a", "b", "c", "d"], usage]);
    const refused: [Partial<OpenAI.CompletionCreateParamsNonStreaming>, string][] = [
      [{ n: 129 }, "n"],
      [{ n: 65 }, "prompt"],
      [{ prompt: [] }, "prompt"],
    ];
    for (const [more, param] of refused) {
      await expect(openai.completions.create({ ...request, ...more })).rejects.toMatchObject({ param });
    }
  });

  test("is told once of one answer's failure, which ends the others", async () => {
    const told: unknown[] = [];
    const { openai, llm } = await serve(
      [{ isEndless: true }, { text: "Half an", error: new Error("broken") }],
      {
        onFailure: ({ status }) => told.push(status),
      },
    );
    const messages = [{ role: "user" as const, content: "x" }];
    const asked = openai.chat.completions.create({ model: "m", messages, n: 2, stream: true });
    const read = async () => {
      for await (const _ of await asked);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    expect([llm.aborted, told]).toEqual([1, [200]]);
  });

  test("goes on with a text by a value of a schema", async () => {
    const { openai, llm } = await serve([{ text: '{"name": "Ada"}' }]);
    const schema = { type: "object", properties: { name: { type: "string" } } };
    const format = { response_format: { type: "json_schema", json_schema: { name: "pet", schema } } }; // vLLM's
    const { choices } = await openai.completions.create({ model: "m", prompt: "pet =", ...format });
    expect(choices[0]?.text).toBe('{"name":"Ada"}');
    expect(llm.calls[0]?.options).toMatchObject({ chatTemplate: false, schema });
  });

  test("gets vectors, packed and not", async () => {
    const { openai } = await serve();
    const input = ["one", "three"];
    const packed = await openai.embeddings.create({ model: "m", input }); // it asks for base64 by itself
    const plain = await openai.embeddings.create({ model: "m", input, encoding_format: "float" });
    const vectors = [
      [3, 0.5, -1],
      [5, 0.5, -1],
    ];
    for (const { data, usage } of [packed, plain]) {
      expect(data.map(({ embedding }) => [...embedding])).toEqual(vectors);
      expect(usage).toEqual({ prompt_tokens: 2, total_tokens: 2 });
    }
  });

  test("sees the models", async () => {
    const { openai } = await serve();
    expect((await openai.models.list()).data).toMatchObject([{ id: "m", object: "model" }]);
    expect(await openai.models.retrieve("m")).toMatchObject({ id: "m" });
    await expect(openai.models.retrieve("none")).rejects.toMatchObject({ status: 404 });
  });

  test("brings a conversation with calls, their results and thoughts, in both interfaces", async () => {
    const { openai, llm } = await serve();
    const json = '{"city":"Bern"}';
    await openai.chat.completions.create({
      model: "m",
      messages: [
        {
          role: "developer",
          content: [
            { type: "text", text: "Be " },
            { type: "text", text: "brief." },
          ],
        },
        { role: "user", content: "Rain?" },
        {
          role: "assistant",
          content: null,
          reasoning_content: "I look.",
          tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: json } }],
        } as OpenAI.ChatCompletionMessageParam,
        { role: "tool", tool_call_id: "c1", content: "Yes" },
      ],
    });
    await openai.responses.create({
      model: "m",
      instructions: "Be brief.",
      input: [
        { role: "user", content: "Rain?" },
        {
          type: "reasoning",
          id: "rs_1",
          summary: [],
          content: [{ type: "reasoning_text", text: "I look." }],
        },
        { type: "function_call", call_id: "c1", name: "weather", arguments: json },
        { type: "function_call_output", call_id: "c1", output: "Yes" },
      ],
    });
    const expected: Message[] = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Rain?" },
      {
        role: "assistant",
        content: "",
        reasoning: "I look.",
        toolCalls: [{ id: "c1", name: "weather", arguments: { city: "Bern" } }],
      },
      { role: "tool", content: "Yes", toolCallId: "c1", name: "weather" },
    ];
    expect(llm.calls.map(({ messages }) => messages)).toEqual([expected, expected]);
  });

  test("gets one call where it wants one, and thoughts that come back to the model", async () => {
    const call = (id: string) => ({ id, name: "f", arguments: { a: id } });
    const { openai, llm } = await serve([
      { reasoning: "Hm.", toolCalls: [call("c1"), call("c2")] },
      { text: "Done" },
    ]);
    const tools = [{ type: "function" as const, name: "f", parameters: { type: "object" }, strict: false }];
    const request = { model: "m", tools, parallel_tool_calls: false };
    const first = await openai.responses.stream({ ...request, input: "x" }).finalResponse();
    expect(first.output.filter(({ type }) => type === "function_call")).toHaveLength(1);
    const input: OpenAI.Responses.ResponseInput = [
      { role: "user", content: "x" },
      ...(first.output as OpenAI.Responses.ResponseInputItem[]),
      { type: "function_call_output", call_id: "c1", output: "ok" },
    ];
    expect((await openai.responses.create({ ...request, input })).output_text).toBe("Done");
    const answer = llm.calls[1]?.messages[1];
    expect(answer).toMatchObject({ reasoning: "Hm.", providerData: { scripted: { seen: 1 } } });
  });

  test.each([
    ["n", { n: 129 }],
    ["top_logprobs", { top_logprobs: 2 }],
    ["top_logprobs", { logprobs: true, top_logprobs: 21 }],
    ["tools[0].type", { tools: [{ type: "custom", custom: { name: "x" } }] }],
    ["response_format.type", { response_format: { type: "sound" } }],
    ["messages[0].role", { messages: [{ role: "critic", content: "x" }] }],
    ["messages[0].content[0].type", { messages: [{ role: "user", content: [{ type: "input_audio" }] }] }],
    ["brand_new", { brand_new: 1 }],
  ])("is told that %s cannot be had", async (param, more) => {
    const { openai } = await serve();
    const messages = [{ role: "user", content: "x" }];
    const request = { model: "m", messages, ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming;
    await expect(openai.chat.completions.create(request)).rejects.toMatchObject({ status: 400, param });
  });

  test("is told where a model cannot say how likely its words are", async () => {
    const { openai } = await serve();
    const messages = [{ role: "user" as const, content: "x" }];
    const asked = openai.chat.completions.create({ model: "m", messages, logprobs: true });
    await expect(asked).rejects.toMatchObject({ status: 400, message: expect.stringContaining("logprobs") });
  });

  test("has what the server passes over named in the answer", async () => {
    const { openai, llm } = await serve(undefined, { ignoreFields: ["reasoning_effort"] });
    const messages = [{ role: "user" as const, content: "x" }];
    const answer = await openai.chat.completions.create({
      model: "m",
      messages,
      reasoning_effort: "high",
      frequency_penalty: 0,
    });
    expect(answer).toMatchObject({
      warnings: ["reasoning_effort was passed over, as the server is told to"],
    });
    expect(llm.calls[0]?.options.reasoning).toBeUndefined();
  });

  test("has the model think as it asks", async () => {
    const { openai, llm } = await serve();
    for (const effort of ["none", "minimal", "medium", "max", undefined] as const) {
      const messages = [{ role: "user" as const, content: "x" }];
      const asked = effort === undefined ? {} : { reasoning_effort: effort };
      await openai.chat.completions.create({ model: "m", messages, ...asked });
      const reasoning = effort === undefined ? {} : { reasoning: { effort } };
      await openai.responses.create({ model: "m", input: "x", ...reasoning });
    }
    const options = llm.calls.map(({ options }) => options.reasoning);
    const expected = [false, "low", "medium", "high", undefined];
    expect(options).toEqual(expected.flatMap((each) => [each, each]));
  });

  test("limits what the model thinks, by the names that servers have for that", async () => {
    const { openai, llm } = await serve();
    const limit = async (asked: object) => {
      const messages = [{ role: "user" as const, content: "x" }];
      const answer = await openai.chat.completions.create({ model: "m", messages, ...asked });
      return [llm.calls.at(-1)?.options.reasoning, "warnings" in answer];
    };
    const limited = [{ maxTokens: 500 }, false];
    expect(await limit({ thinking_token_budget: 500 })).toEqual(limited);
    expect(await limit({ thinking_budget_tokens: 500 })).toEqual(limited);
    expect(await limit({ thinking_budget: 500 })).toEqual(limited);
    expect(await limit({ reasoning: { max_tokens: 500, exclude: false } })).toEqual(limited);
    expect(await limit({ thinking_budget: 0 })).toEqual([{ maxTokens: 0 }, false]);
    expect(await limit({ thinking_token_budget: -1 })).toEqual([undefined, false]);
    expect(await limit({ reasoning: { enabled: false, max_tokens: 500 } })).toEqual([false, false]);
    expect(await limit({ reasoning: { enabled: true } })).toEqual([true, false]);
    expect(await limit({ reasoning: { effort: "minimal" } })).toEqual(["low", false]);
    expect(await limit({ reasoning_effort: "high", thinking_budget: 500 })).toEqual([
      { maxTokens: 500, effort: "high" },
      false,
    ]);
    await expect(limit({ reasoning: { exclude: true } })).rejects.toMatchObject({
      param: "reasoning.exclude",
    });
  });
});

test("JSON is streamed as it is written where it cannot be written again", async () => {
  const { openai, llm } = await serve([{ text: '{ "city": "Bern', isObject: true, isEndless: true }]);
  const stream = openai.chat.completions.stream({
    model: "m",
    messages: [{ role: "user", content: "Where?" }],
    response_format: { type: "json_object" },
  });
  let text = "";
  for await (const { choices } of stream) {
    text += choices[0]?.delta.content ?? "";
    if (text.includes("more more")) break; // there is no end to wait for
  }
  expect(text).toContain('{ "city": "Bern more more');
  await expect.poll(() => llm.aborted).toBe(1);
});

describe("Anthropic's client", () => {
  test("counts, and sees the models", async () => {
    const { anthropic } = await serve();
    const messages = [{ role: "user" as const, content: "x" }];
    const count = await anthropic.messages.countTokens({ model: "m", system: "Be brief.", messages });
    expect(count.input_tokens).toBe(2);
    expect((await anthropic.models.list()).data).toMatchObject([{ id: "m", type: "model" }]);
    await expect(anthropic.models.retrieve("none")).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  });

  test("is told what the prompt takes with the first event, where that is known, and else with the last", async () => {
    const promptUsage = { inputTokens: 10, cachedInputTokens: 2 };
    const { anthropic } = await serve([{ promptUsage, text: "Hi" }, { text: "Hi" }]);
    const usages = async () => {
      const messages = [{ role: "user" as const, content: "x" }];
      const stream = anthropic.messages.stream({ model: "m", max_tokens: 9, messages });
      const told: unknown[] = [];
      for await (const event of stream) {
        if (event.type === "message_start") told.push({ ...event.message.usage });
        if (event.type === "message_delta") told.push({ ...event.usage });
      }
      return told;
    };
    const known = { input_tokens: 8, cache_creation_input_tokens: 0, cache_read_input_tokens: 2 };
    const end = { ...known, output_tokens: 5 };
    const unknown = { ...known, input_tokens: 0, cache_read_input_tokens: 0 };
    expect(await usages()).toEqual([{ ...known, output_tokens: 0 }, end]);
    expect(await usages()).toEqual([{ ...unknown, output_tokens: 0 }, end]);
  });

  test("brings a conversation with calls, their results and thoughts", async () => {
    const { anthropic, llm } = await serve([{ reasoning: "Hm.", text: "Yes" }]);
    const first = await anthropic.messages
      .stream({
        model: "m",
        max_tokens: 9,
        messages: [{ role: "user", content: "Hi" }],
      })
      .finalMessage();
    await anthropic.messages.create({
      model: "m",
      max_tokens: 9,
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content: first.content },
        { role: "user", content: "Rain?" },
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "c1", name: "weather", input: { city: "Bern" } }],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "c1",
              content: [{ type: "text", text: "Yes" }],
              is_error: true,
            },
            { type: "text", text: "So?" },
          ],
        },
      ],
    });
    expect(llm.calls[1]?.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Yes", reasoning: "Hm.", providerData: { scripted: { seen: 1 } } },
      { role: "user", content: "Rain?" },
      {
        role: "assistant",
        content: "",
        toolCalls: [{ id: "c1", name: "weather", arguments: { city: "Bern" } }],
      },
      { role: "tool", content: "Yes", toolCallId: "c1", name: "weather", isError: true },
      { role: "user", content: "So?" },
    ]);
  });

  test("has the model think as it asks", async () => {
    const { anthropic, llm } = await serve();
    const ask = (more: object) =>
      anthropic.messages.create({
        model: "m",
        max_tokens: 9,
        messages: [{ role: "user", content: "x" }],
        ...more,
      });
    await ask({ thinking: { type: "enabled", budget_tokens: 1024 } });
    await ask({ thinking: { type: "enabled", budget_tokens: 1024 }, output_config: { effort: "xhigh" } });
    await ask({ thinking: { type: "disabled" } });
    await ask({ thinking: { type: "adaptive" }, output_config: { effort: "max" } });
    await ask({ thinking: { type: "adaptive" } });
    const options = llm.calls.map(({ options }) => options.reasoning);
    expect(options).toEqual([
      { maxTokens: 1024 },
      { maxTokens: 1024, effort: "high" },
      false,
      "high",
      undefined,
    ]);
  });
});

describe("Ollama's client", () => {
  test("answers single prompts, streamed, whole and as they are", async () => {
    const { ollama, llm } = await serve([{ text: "Hi, 東京" }]);
    const whole = await ollama.generate({ model: "m", prompt: "x", system: "Be brief." });
    let text = "";
    for await (const line of await ollama.generate({ model: "m", prompt: "x", stream: true }))
      text += line.response;
    expect([whole.response, text]).toEqual(["Hi, 東京", "Hi, 東京"]);
    await ollama.generate({ model: "m", prompt: "x", raw: true });
    expect(llm.calls.map(({ prompt, options }) => [typeof prompt, options.systemPrompt])).toEqual([
      ["object", "Be brief."],
      ["object", undefined],
      ["string", undefined],
    ]);
  });

  test("has a model loaded, and sees what there is", async () => {
    const { ollama, llm } = await serve();
    expect(await ollama.generate({ model: "m", prompt: "" })).toMatchObject({
      done: true,
      done_reason: "load",
    });
    expect(llm.calls).toEqual([]);
    expect((await ollama.list()).models).toMatchObject([{ name: "m", model: "m" }]);
    expect((await ollama.ps()).models).toMatchObject([{ name: "m" }]);
    const shown = await ollama.show({ model: "m" });
    expect(shown.capabilities).toEqual(["completion", "vision", "tools", "embedding"]);
    expect(shown.model_info).toEqual({
      "general.architecture": "abstractllm",
      "general.basename": "m",
      "abstractllm.context_length": 128_000,
    });
    const [major = 0, minor = 0] = (await ollama.version()).version.split(".").map(Number);
    expect(major * 100 + minor).toBeGreaterThan(6); // what VS Code asks for
  });

  test("has what it takes for an id, and a time that is to come", async () => {
    const { ollama } = await serve();
    await ollama.generate({ model: "m", prompt: "" });
    for (const { models } of [await ollama.list(), await ollama.ps()]) {
      for (const { digest } of models) expect(digest).toMatch(/^[0-9a-f]{64}$/);
    }
    const [running] = (await ollama.ps()).models;
    expect(new Date(running?.expires_at ?? 0).getTime()).toBeGreaterThan(Date.now());
  });

  test("gives a model back that the server opened, and may write the tag that it is without", async () => {
    registerProvider("scripted", async () => ({ createProvider: () => new ScriptedLLM() }));
    const models = { m: new ScriptedLLM(), small: { provider: "scripted" } };
    const { ollama } = await serve(undefined, { models });
    const running = async () => (await ollama.ps()).models.map(({ name }) => name);
    await ollama.generate({ model: "small:latest", prompt: "" });
    await ollama.generate({ model: "m:latest", prompt: "" });
    expect(await running()).toEqual(["small", "m"]);
    for (const model of ["small:latest", "m"]) {
      const done = await ollama.generate({ model, prompt: "", keep_alive: 0 });
      expect(done).toMatchObject({ model, done: true, done_reason: "unload" });
    }
    expect(await running()).toEqual(["m"]); // which the server was given
    await ollama.embed({ model: "small", input: "x", keep_alive: "5m" });
    await ollama.embeddings({ model: "m", prompt: "x", keep_alive: 0 });
    expect(await running()).toEqual(["m", "small"]);
    await ollama.embed({ model: "small", input: "x", keep_alive: 0 });
    expect(await running()).toEqual(["m"]);
  });

  test("of the AI SDK has options beside `options`, and a tool that must be called", async () => {
    const { origin, llm } = await serve();
    const ask = async (more: object) => {
      const body = { model: "m", messages: [{ role: "user", content: "x" }], think: false, ...more };
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${origin}/api/chat`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(200);
      await answer.text();
      return llm.calls.at(-1);
    };
    const outside = { temperature: 0.5, top_p: 0.25, max_output_tokens: 7 };
    expect((await ask(outside))?.options).toMatchObject({ temperature: 0.5, topP: 0.25, maxTokens: 7 });
    const options = { temperature: 0, num_predict: 9, repeat_last_n: 64 };
    expect((await ask({ ...outside, options }))?.options).toMatchObject({
      temperature: 0,
      topP: 0.25,
      maxTokens: 9,
    });
    const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
    expect((await ask({ tools, tool_choice: "required" }))?.toolChoice).toBe("required");
    const flat = { type: "function", name: "weather" };
    const nested = { type: "function", function: { name: "weather" } };
    for (const tool_choice of [flat, nested]) {
      expect((await ask({ tools, tool_choice }))?.toolChoice).toEqual({ name: "weather" });
    }
  });

  test("finds the server by its first page", async () => {
    const { origin } = await serve();
    for (const method of ["GET", "HEAD"]) {
      const answer = await fetch(origin, { method });
      expect([answer.status, await answer.text()]).toEqual([
        200,
        method === "GET" ? "Ollama is running" : "",
      ]);
    }
  });

  test("of an older kind asks by `name`, and for one vector at a time", async () => {
    const { origin, ollama } = await serve();
    const ask = async (path: string, body: object) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: answer.status, body: await answer.json() };
    };
    expect((await ask("/api/show", { name: "m" })).body).toMatchObject({ details: {}, model_info: {} });
    expect(await ask("/api/show", {})).toMatchObject({ status: 400, body: { error: "model is missing" } });
    expect((await ollama.embeddings({ model: "m", prompt: "four" })).embedding).toEqual([4, 0.5, -1]);
  });

  test("gets vectors", async () => {
    const { ollama } = await serve();
    expect((await ollama.embed({ model: "m", input: "four" })).embeddings).toEqual([[4, 0.5, -1]]);
  });

  test("brings results of calls that have no ids", async () => {
    const { ollama, llm } = await serve();
    const calls = ["Bern", "Rom"].map((city) => ({ function: { name: "weather", arguments: { city } } }));
    await ollama.chat({
      model: "m",
      messages: [
        { role: "user", content: "Rain?" },
        { role: "assistant", content: "", tool_calls: calls },
        { role: "tool", content: "Yes", tool_name: "weather" },
        { role: "tool", content: "No", tool_name: "weather" },
      ],
    });
    expect(llm.calls[0]?.messages.slice(2)).toEqual([
      { role: "tool", content: "Yes", toolCallId: "call_0", name: "weather" },
      { role: "tool", content: "No", toolCallId: "call_1", name: "weather" },
    ]);
  });
});

test("models are opened when they are asked for; one that fails is tried again, and says little to clients", async () => {
  const told: unknown[] = [];
  registerProvider("failing", () => Promise.reject(new Error("no secret is set")));
  const { openai } = await serve(undefined, {
    models: {
      failing: { provider: "failing" },
      missing: { provider: "mlx", model: "/secret/folder/model.gguf", offline: true },
    },
    otherModels: { provider: "failing" },
    onFailure: ({ error }) => told.push(error),
  });
  const ask = (model: string) => {
    const messages = [{ role: "user" as const, content: "x" }];
    return openai.chat.completions.create({ model, messages }).catch((e) => e);
  };
  for (const model of ["failing", "failing", "missing", "another"]) {
    const error = await ask(model);
    expect(error.status).toBe(500);
    expect(error.message).not.toMatch(/secret/);
  }
  expect(told).toHaveLength(4);
  expect(told[0]).toMatchObject({ cause: { message: expect.stringContaining("no secret is set") } });
});

test("a server takes the place of another one's provider", async () => {
  const { origin } = await serve([{ text: "from the first" }]);
  const first = server;
  const second = createServer({
    port: 0,
    otherModels: { provider: "openai-compatible", baseUrl: `${origin}/v1`, maxRetries: 0 },
  });
  const llm = await createLLM("ollama", { baseUrl: await second.listen(), model: "m" });
  expect((await llm.generate("x")).text).toBe("from the first");
  expect((await llm.listModels()).map(({ id }) => id)).toEqual(["m"]);
  await second.close();
  server = first;
});

test("mistakes of options are said at once", () => {
  const models = { m: new ScriptedLLM() };
  expect(() => createServer({})).toThrow("There is no model to serve");
  for (const port of ["80" as unknown as number, -1, 65_536]) {
    expect(() => createServer({ models, port })).toThrow("Expected integer between 0 and 65535 for port");
  }
  expect(() => createServer(undefined as unknown as ServerOptions)).toThrow("Expected object for");
  expect(() => createServer({ models, cors: ["example.org"] })).toThrow("https://example.org");
  const promise = Promise.resolve(models.m);
  for (const [source, received] of [
    [5, "5"],
    [{}, "neither"],
    [promise, "a promise; await it first"],
  ]) {
    expect(() => createServer({ models: { wrong: source as ModelSource } })).toThrow(
      `Expected an LLM, or { provider, model, … }, for models.wrong but received ${received}`,
    );
  }
  expect(() => createServer({ models, prot: 80 } as ServerOptions)).toThrow('Unknown option "prot"');
});

test("mistakes of models, and of the address, are said when the server starts", async () => {
  const m = new ScriptedLLM();
  const listen = (options: ServerOptions) => createServer({ port: 0, models: { m }, ...options }).listen();
  const models = { small: { provider: "openia" } };
  await expect(listen({ models })).rejects.toThrow(
    'The model small cannot be opened: There is no provider "openia"',
  );
  const otherModels = { provider: "lmstudio", temprature: 1 } as ModelConfig;
  await expect(listen({ otherModels })).rejects.toThrow('did you mean "temperature"?');
  const { origin } = await serve();
  const port = Number(new URL(origin).port);
  await expect(listen({ port })).rejects.toMatchObject({
    name: "InvalidParameterError",
    message: `Port ${port} of 127.0.0.1 is in use; stop what listens there, or take another port (0 takes a free one)`,
  });
  await expect(listen({ host: "192.0.2.1", allowPublic: true })).rejects.toThrow(
    "192.0.2.1 is no address of",
  );
  await expect(server?.listen()).rejects.toThrow("The server listens already");
});

test.each([
  ["/chat/completions", "/v1/chat/completions"],
  ["/v1/v1/messages", "/v1/messages"],
  ["/v1/models/", "/v1/models"],
  ["//v1//responses", "/v1/responses"],
  ["/chat", "/api/chat"],
  ["/v1/api/tags", "/api/tags"],
])("the address %s is told from %s", async (path, meant) => {
  const { origin } = await serve();
  const answer = await fetch(origin + path, { method: "POST" });
  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain(`There is nothing at this address; did you mean ${meant}?`);
});

test("an unknown address is no unknown model", async () => {
  const { origin } = await serve();
  const answer = await fetch(`${origin}/v1/nothing`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({
    error: { message: "There is nothing at this address", code: null },
  });
});
