import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createLLM, type LLMConfig, type Message } from "../../src/index.ts";
import { HttpService } from "../services/http-service.ts";
import { openAIService } from "../services/openai-service.ts";
import { nativeCases } from "./native-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { EVENT_FAULTS } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const apiKey = "sk-test-canary-key";
const behaviour = openAIService({ models: ["gpt-4o", "gpt-5", "text-embedding-3-small"], apiKey });

/** A reasoning model, which the responses API suits. */
const SUBJECT = {
  provider: "openai",
  behaviour,
  config: { apiKey, model: "gpt-5" },
  basePath: "/v1",
  faults: EVENT_FAULTS,
  visionModel: "gpt-5",
  embeddings: { model: "text-embedding-3-small", areCounted: true, canBeShortened: true, fields: {} },
} as const;

sharedCases(SUBJECT, ["timings", "loading"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);

describe("the responses API", () => {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(behaviour);
  });
  afterAll(() => service.stop());

  const open = (config: LLMConfig = {}) => {
    service.requests.length = 0;
    return createLLM("openai", { apiKey, baseUrl: `${service.origin}/v1`, ...config });
  };

  test.each([
    ["gpt-4o", {}, "/v1/chat/completions"],
    ["gpt-4o", { api: "responses" }, "/v1/responses"],
    ["gpt-5", {}, "/v1/responses"],
    ["gpt-5", { api: "chat" }, "/v1/chat/completions"],
    ["gpt-5", { seed: 1 }, "/v1/chat/completions"],
  ] as const)("is taken for %s with %j: %s", async (model, config, path) => {
    await (await open({ model, ...config })).generate("x");
    expect(service.requests[0]?.path).toBe(path);
  });

  test("refuses what it does not have", async () => {
    const llm = await open({ api: "responses" });
    await expect(llm.generate("x", { stop: "y" })).rejects.toMatchObject({ feature: "stop" });
    await expect(llm.generate("x", { reasoning: { maxTokens: 5 } })).rejects.toMatchObject({
      feature: "reasoning",
    });
  });

  test("turns reasoning off with no tokens for it", async () => {
    const llm = await open({ model: "gpt-5" });
    await llm.generate("x", { reasoning: { maxTokens: 0 } });
    expect(service.requests[0]?.body.reasoning).toEqual({ effort: "none" });
  });

  test("gets no temperature that a reasoning model refuses, but the one that the user sets", async () => {
    const llm = await open({ model: "gpt-5" });
    await llm.generate("x");
    await llm.generate("x", { temperature: 0.2 });
    expect(service.requests.map(({ body }) => body.temperature)).toEqual([undefined, 0.2]);
    expect(service.requests[0]?.body).toMatchObject({ store: false });
    expect(service.requests[0]?.body).not.toHaveProperty("max_output_tokens");
  });

  test("gets its own reasoning back with the results of tools, and in the next prompt", async () => {
    const llm = await open({ model: "gpt-5" });
    const first: Message = { role: "user", content: "Use the tools" };
    const { messages } = await llm.generate([first], { tools: [{ name: "f", execute: () => "ok" }] });
    await llm.generate([first, ...messages, { role: "user", content: "And now?" }]);
    const reasoning = { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAAAsecret" };
    const inputs = service.requests.map(({ body }) => body.input as { type?: string; role?: string }[]);
    expect(inputs[1]).toContainEqual(reasoning);
    expect(inputs[1]?.map(({ type, role }) => type ?? role)).toEqual([
      "user",
      "reasoning",
      "function_call",
      "function_call_output",
    ]);
    expect(inputs[2]?.filter(({ type }) => type === "reasoning")).toHaveLength(2);
  });

  test("streams a summary of the reasoning where it is asked for", async () => {
    const llm = await open({ model: "gpt-5", reasoning: "low" });
    expect(await llm.generate("x")).toMatchObject({ reasoning: "Thinking. Done." });
    expect(service.requests[0]?.body.reasoning).toEqual({ effort: "low", summary: "auto" });
  });

  test("keeps what a model thinks apart from its answer when both come whole", async () => {
    const llm = await open({ model: "gpt-oss-20b", api: "responses" });
    const output = [
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Two and two." }] },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "4" }] },
    ];
    service.faults.push(() => ({
      status: 200,
      headers: { "content-type": "application/json" },
      body: [JSON.stringify({ id: "resp_1", model: "gpt-oss-20b", status: "completed", output })],
    }));
    expect(await llm.generate("2 + 2")).toMatchObject({ text: "4", reasoning: "Two and two." });
  });

  test("answers in one piece where the account may not stream the model", async () => {
    for (const api of ["chat", "responses"] as const) {
      const llm = await open({ model: "gpt-5", api, temperature: 0 });
      const streamed = await llm.generate("x");
      service.faults.push(() => ({
        status: 400,
        headers: { "content-type": "application/json" },
        body: [
          '{"error":{"message":"Your organization must be verified to stream this model.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}',
        ],
      }));
      const whole = await llm.generate("x");
      expect([whole.text, whole.usage, whole.finishReason]).toEqual([
        streamed.text,
        streamed.usage,
        streamed.finishReason,
      ]);
      expect(whole.warnings.join()).toContain("in one piece");
    }
  });
});
