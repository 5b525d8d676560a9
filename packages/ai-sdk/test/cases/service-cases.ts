import { type AbstractLLMSettings, createAbstractLLM } from "@abstractllm/ai-sdk";
import { createLLM } from "abstractllm";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { anthropicService } from "../../../abstractllm/test/services/anthropic-service.ts";
import {
  type Fault,
  HttpService,
  jsonAnswer,
  RESET,
} from "../../../abstractllm/test/services/http-service.ts";
import { openAIService } from "../../../abstractllm/test/services/openai-service.ts";
import type { AISDK } from "../support/ai-sdks.ts";

const apiKey = "sk-test";
const PROMPT = "Tell me a story";

const failing =
  (status: number, headers: Record<string, string> = {}): Fault =>
  () =>
    jsonAnswer({ error: { message: `status ${status}`, type: "some_error" } }, status, headers);
/** Sends three events of a stream and breaks off. */
const breaking: Fault = (answer) => ({ ...answer, body: [...answer.body.slice(0, 3), RESET] });
/** Puts the text of a chat answer into a code fence. */
const fencing: Fault = (answer) => {
  const delta = (content: string) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
  const end = answer.body.findIndex(
    (step) => typeof step === "string" && step.includes('"finish_reason":"stop"'),
  );
  const [head, written, tail] = [answer.body.slice(0, 1), answer.body.slice(1, end), answer.body.slice(end)];
  return { ...answer, body: [...head, delta("Here:\n```json\n"), ...written, delta("\n```"), ...tail] };
};

/** What the AI SDK must give over models of services. @param ai - the AI SDK */
export function serviceCases(ai: AISDK): void {
  const { generateText, streamText, embed, embedMany, Output, stepCountIs, tool } = ai;
  let openai: HttpService;
  let anthropic: HttpService;
  beforeAll(async () => {
    const models = ["gpt-4o", "gpt-5", "text-embedding-3-small"];
    openai = await HttpService.start(openAIService({ models, apiKey }));
    anthropic = await HttpService.start(anthropicService({ apiKey }));
  });
  afterAll(() => Promise.all([openai.stop(), anthropic.stop()]));
  beforeEach(() => {
    for (const { requests, faults } of [openai, anthropic]) requests.length = faults.length = 0;
  });

  const viaOpenAI = (settings: AbstractLLMSettings = {}) =>
    createAbstractLLM("openai", { apiKey, baseUrl: `${openai.origin}/v1`, ...settings });
  const viaAnthropic = (settings: AbstractLLMSettings = {}) =>
    createAbstractLLM("anthropic", { apiKey, baseUrl: anthropic.origin, ...settings });

  const weather = () =>
    tool({
      description: "Weather of a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => ({ city, sky: "clear" }),
    });

  describe("an answer", () => {
    test("is what the library gives, whole and streamed, and the service is asked for what the call asks", async () => {
      const llm = await createLLM("openai", { apiKey, baseUrl: `${openai.origin}/v1`, model: "gpt-4o" });
      const options = { seed: 7, maxTokens: 9, temperature: 1 };
      const { text, usage } = await llm.generate(PROMPT, options);
      const asked = {
        model: viaOpenAI()("gpt-4o"),
        prompt: PROMPT,
        ...{ seed: 7, maxOutputTokens: 9, temperature: 1 },
      };
      const whole = await generateText(asked);
      const stream = streamText(asked);
      expect([whole.text, await stream.text]).toEqual([text, text]);
      expect(whole.usage).toMatchObject({ inputTokens: usage.inputTokens, outputTokens: usage.outputTokens });
      expect([whole.finishReason, await stream.finishReason]).toEqual(["length", "length"]);
      expect(whole.warnings ?? []).toEqual([]);
      const [first, second, third] = openai.requests.map(({ body }) => body);
      expect([second, third]).toEqual([first, first]);
    });

    test("comes from a registry of providers as well", async () => {
      const registry = ai.createProviderRegistry({ cloud: viaOpenAI() });
      const { text } = await generateText({ model: registry.languageModel("cloud:gpt-4o"), prompt: PROMPT });
      expect(text).not.toBe("");
      expect(() => registry.imageModel("cloud:gpt-4o")).toThrow("imageModel");
    });

    test("goes without options that the model does not have, and says so", async () => {
      const asked = {
        model: viaAnthropic()("claude-haiku-4-5"),
        prompt: PROMPT,
        ...{ seed: 1, presencePenalty: 0.5, frequencyPenalty: 0, topK: 3 },
        headers: { "x-team": "a" },
      };
      const whole = await generateText(asked);
      const stream = streamText(asked);
      expect([whole.text, await stream.text]).toEqual([expect.stringMatching(/./), whole.text]);
      for (const warnings of [whole.warnings, await stream.warnings]) {
        const features = warnings?.map((warning) => "feature" in warning && warning.feature);
        expect(features?.sort()).toEqual(["headers", "presencePenalty", "seed"]);
      }
      expect(anthropic.requests.map(({ body }) => body.top_k)).toEqual([3, 3]);
    });

    test("is refused an option of this provider's own that the model does not have", async () => {
      const providerOptions = { abstractllm: { minP: 0.1 } };
      const asked = generateText({ model: viaOpenAI()("gpt-4o"), prompt: PROMPT, providerOptions });
      await expect(asked).rejects.toMatchObject({ functionality: "minP" });
      expect(openai.requests).toHaveLength(0);
    });

    test("has the log probabilities that the library gives, whole and streamed, where they are asked for", async () => {
      const llm = await createLLM("openai", { apiKey, baseUrl: `${openai.origin}/v1`, model: "gpt-4o" });
      const { logprobs } = await llm.generate(PROMPT, { logprobs: 2, temperature: 0 });
      expect(logprobs?.[0]?.topLogprobs).toHaveLength(2);
      const providerOptions = { abstractllm: { logprobs: 2 } };
      const asked = { model: viaOpenAI()("gpt-4o"), prompt: PROMPT, temperature: 0 };
      const whole = await generateText({ ...asked, providerOptions });
      expect(whole.providerMetadata?.abstractllm?.logprobs).toEqual(logprobs);
      const streamed = await streamText({ ...asked, providerOptions }).providerMetadata;
      expect(streamed?.abstractllm?.logprobs).toEqual(logprobs);
      const plain = await generateText(asked);
      expect(plain.providerMetadata?.abstractllm).not.toHaveProperty("logprobs");
    });

    test("has what the model thinks apart", async () => {
      const asked = {
        model: viaAnthropic()("claude-haiku-5-5"),
        prompt: PROMPT,
        providerOptions: { abstractllm: { reasoning: "low" } },
      };
      const whole = await generateText(asked);
      expect(whole.reasoningText).toBe("Let me think.");
      expect(whole.usage.outputTokenDetails.reasoningTokens).toBe(2);
      const stream = streamText(asked);
      expect(await stream.text).toBe(whole.text);
      expect(await stream.reasoningText).toBe("Let me think.");
    });

    test("leaves addresses of images to the service, and fetches no files of its own network", async () => {
      const model = viaOpenAI()("gpt-4o");
      const ask = (url: string, mediaType: string) => {
        const content = [{ type: "file" as const, data: new URL(url), mediaType }];
        return generateText({ model, messages: [{ role: "user", content }] });
      };
      await ask("https://example.org/a.png", "image/png");
      expect(JSON.stringify(openai.requests[0]?.body)).toContain('"url":"https://example.org/a.png"');
      await expect(ask(`${openai.origin}/a.txt`, "text/plain")).rejects.toMatchObject({
        name: "AI_InvalidPromptError",
        message: expect.stringContaining("allowPrivateUrls"),
      });
      expect(openai.requests).toHaveLength(1);
    });

    test("ends at the service when it is aborted", async () => {
      const controller = new AbortController();
      const stream = streamText({
        model: viaOpenAI()("gpt-4o"),
        prompt: PROMPT,
        maxOutputTokens: 500, // the service takes its time
        abortSignal: controller.signal,
      });
      const types: string[] = [];
      for await (const { type } of stream.fullStream) {
        types.push(type);
        if (type === "text-delta") controller.abort();
      }
      expect(types.at(-1)).toBe("abort");
      expect(types.length).toBeLessThan(300);
    });

    test("has the library's own parts along, where they are asked for", async () => {
      const asked = { model: viaOpenAI()("gpt-4o"), prompt: PROMPT, includeRawChunks: true };
      const raw: unknown[] = [];
      for await (const part of streamText(asked).fullStream) if (part.type === "raw") raw.push(part.rawValue);
      expect(raw).toContainEqual({ type: "text-delta", text: expect.any(String) });
      expect(raw.at(-1)).toMatchObject({ type: "finish" });
    });
  });

  describe("tools", () => {
    test("are called with arguments that are streamed, and the model goes on with what they gave", async () => {
      const stream = streamText({
        model: viaOpenAI()("gpt-4o"),
        prompt: "Use the tools",
        tools: { weather: weather() },
        stopWhen: stepCountIs(3),
      });
      let streamed = "";
      const types: string[] = [];
      for await (const part of stream.fullStream) {
        types.push(part.type);
        if (part.type === "tool-input-delta") streamed += part.delta;
      }
      expect(JSON.parse(streamed)).toEqual({ city: "Zürich 🙂" });
      const order = ["tool-input-start", "tool-input-delta", "tool-input-end", "tool-call", "tool-result"];
      expect(order.map((type) => types.indexOf(type))).toEqual(
        order.map((type) => types.indexOf(type)).toSorted((a, b) => a - b),
      );
      expect(types).toContain("text-delta");
      expect(await stream.finishReason).toBe("stop");
      const messages = openai.requests[1]?.body.messages;
      expect(messages).toMatchObject([
        { role: "user" },
        { role: "assistant", tool_calls: [{ function: { name: "weather" } }] },
        { role: "tool", content: '{"city":"Zürich 🙂","sky":"clear"}' },
      ]);
    });

    test("are chosen as the call says", async () => {
      const tools = { weather: weather(), time: weather() };
      const ask = async (toolChoice: "none" | "required" | { type: "tool"; toolName: "time" }) => {
        const asked = { model: viaOpenAI()("gpt-4o"), prompt: "Use the tools", tools, toolChoice };
        return (await generateText(asked)).toolCalls.map(({ toolName }) => toolName);
      };
      expect(await ask("none")).toEqual([]);
      expect(await ask("required")).toEqual(["weather", "time"]);
      expect(await ask({ type: "tool", toolName: "time" })).toEqual(["time"]);
    });

    test.each(["generateText", "streamText"] as const)(
      "leave the model what it needs to see again of its thoughts: %s",
      async (way) => {
        const asked = {
          model: viaAnthropic()("claude-haiku-5-5"),
          prompt: "Use the tools",
          tools: { weather: weather() },
          stopWhen: stepCountIs(3),
        };
        // the service refuses a second request without the first one's signature
        const { text } =
          way === "generateText" ? await generateText(asked) : { text: await streamText(asked).text };
        expect(text).not.toBe("");
        expect(anthropic.requests[1]?.body.messages).toMatchObject([
          { role: "user" },
          { role: "assistant", content: [{ type: "thinking" }, { type: "tool_use" }] },
          { role: "user", content: [{ type: "tool_result" }] },
        ]);
      },
    );
  });

  describe("a schema", () => {
    const output = Output.object({ schema: z.object({ name: z.string(), count: z.number() }) });
    const expected = { name: "Zürich 🙂", count: 7 };

    test("gives a value, whole and streamed", async () => {
      const asked = { model: viaOpenAI()("gpt-4o"), prompt: "Count", output };
      expect((await generateText(asked)).output).toEqual(expected);
      const stream = streamText(asked);
      const partial: unknown[] = [];
      for await (const object of stream.partialOutputStream) partial.push(object);
      expect(partial.length).toBeGreaterThan(1);
      expect(await stream.output).toEqual(expected);
    });

    test("gives a value though the model puts it into a fence", async () => {
      const far = createAbstractLLM("openai-compatible", { baseUrl: `${openai.origin}/v1`, apiKey });
      const asked = { model: far("gpt-4o"), prompt: "Count", output };
      openai.faults.push(fencing, fencing);
      expect((await generateText(asked)).output).toEqual(expected);
      const stream = streamText(asked);
      expect(await stream.text).toBe(JSON.stringify(expected));
      expect(await stream.output).toEqual(expected);
    });

    test("that the answer does not fit has it given anew, in a stream where that is asked for", async () => {
      const schema = z.object({ name: z.string(), count: z.number().min(8) }); // the model writes 7 first
      const asked = { model: viaOpenAI()("gpt-4o"), prompt: "Count", output: Output.object({ schema }) };
      expect((await generateText(asked)).output).toEqual({ ...expected, count: 8 });
      const { NoObjectGeneratedError } = ai;
      const failed = await streamText({ ...asked, onError: () => {} }).output.then(
        undefined,
        (error) => error,
      );
      expect(NoObjectGeneratedError.isInstance(failed)).toBe(true);
      expect(failed).toMatchObject({ text: JSON.stringify(expected), finishReason: "stop" });
      expect(openai.requests).toHaveLength(3); // two for the first call, one for the stream
      const providerOptions = { abstractllm: { maxSchemaRetries: 1 } };
      expect(await streamText({ ...asked, providerOptions }).output).toEqual({ ...expected, count: 8 });
    });
  });

  describe("embeddings", () => {
    test("come in the order of the values, with what they cost", async () => {
      const model = viaOpenAI().embeddingModel("text-embedding-3-small");
      const { embeddings, usage } = await embedMany({ model, values: ["a", "bcd"] });
      expect(embeddings).toEqual([
        [1, 1 / 2, 1 / 3, 1 / 4],
        [3, 3 / 2, 1, 3 / 4],
      ]);
      expect(usage.tokens).toBe(2);
      const short = { abstractllm: { dimensions: 2 } };
      expect((await embed({ model, value: "ab", providerOptions: short })).embedding).toEqual([2, 1]);
    });
  });

  describe("documents", () => {
    const results = [
      { index: 1, relevance_score: 0.9 },
      { index: 0, relevance_score: 0.2 },
    ];
    let service: HttpService;
    beforeAll(async () => {
      service = await HttpService.start(() => jsonAnswer({ model: "bge", results }));
    });
    afterAll(() => service.stop());

    test("are put in order by a service, from a registry, and a failure that passes is tried again", async () => {
      const far = createAbstractLLM("openai-compatible", { apiKey, baseUrl: `${service.origin}/v1` });
      const model = ai.createProviderRegistry({ far }).rerankingModel("far:bge");
      service.faults.push(failing(503, { "retry-after-ms": "1" }));
      const asked = {
        model,
        query: "Where?",
        documents: ["At six.", "To the sea."],
        headers: { "x-team": "a" },
      };
      const { rerankedDocuments, ranking } = await ai.rerank(asked);
      expect(rerankedDocuments).toEqual(["To the sea.", "At six."]);
      expect(ranking.map(({ score }) => score)).toEqual([0.9, 0.2]);
      expect(service.requests).toHaveLength(2);
      expect(service.requests[1]?.body).toEqual({
        model: "bge",
        query: "Where?",
        documents: asked.documents,
      });
    });

    test("are an error of the AI SDK where the provider has no such models", async () => {
      const model = viaAnthropic().rerankingModel("claude-haiku-5-5");
      await expect(ai.rerank({ model, query: "Where?", documents: ["Here."] })).rejects.toMatchObject({
        name: "AI_UnsupportedFunctionalityError",
      });
    });
  });

  describe("a failure", () => {
    const ask = (maxRetries: number, settings?: AbstractLLMSettings) =>
      generateText({ model: viaOpenAI(settings)("gpt-4o"), prompt: PROMPT, maxRetries });

    test("that passes is tried again by the AI SDK alone, after the time that the service asks for", async () => {
      openai.faults.push(failing(429, { "retry-after-ms": "1" }));
      expect((await ask(1)).text).not.toBe("");
      expect(openai.requests).toHaveLength(2);
      openai.faults.push(failing(503, { "retry-after-ms": "1" }), failing(503, { "retry-after-ms": "1" }));
      await expect(ask(1)).rejects.toMatchObject({
        name: "AI_RetryError",
        lastError: { name: "AI_APICallError", statusCode: 503, isRetryable: true },
      });
      expect(openai.requests).toHaveLength(4);
    });

    test("before a stream has anything is tried again as well", async () => {
      openai.faults.push(failing(429, { "retry-after-ms": "1" }));
      const stream = streamText({ model: viaOpenAI()("gpt-4o"), prompt: PROMPT });
      expect(await stream.text).not.toBe("");
      expect(openai.requests).toHaveLength(2);
    });

    test("that stays is not tried again", async () => {
      openai.faults.push(failing(400));
      const error = await ask(2).then(undefined, (reason) => reason);
      expect(error).toMatchObject({
        name: "AI_APICallError",
        statusCode: 400,
        isRetryable: false,
        url: `${openai.origin}/v1`,
        cause: { name: "InvalidRequestError" },
      });
      expect(JSON.stringify(error)).not.toContain(PROMPT);
      await expect(ask(2, { apiKey: "wrong" })).rejects.toMatchObject({
        statusCode: 401,
        isRetryable: false,
      });
      expect(openai.requests).toHaveLength(2);
    });

    test("of a key that is not there, or a model, has the AI SDK's own class", async () => {
      vi.stubEnv("OPENAI_API_KEY", undefined);
      const keyless = createAbstractLLM("openai");
      await expect(generateText({ model: keyless("gpt-4o"), prompt: PROMPT })).rejects.toMatchObject({
        name: "AI_LoadAPIKeyError",
      });
      vi.unstubAllEnvs();
      const none = generateText({ model: viaOpenAI()("none"), prompt: PROMPT });
      await expect(none).rejects.toMatchObject({ name: "AI_NoSuchModelError", modelId: "none" });
    });

    test("within a stream ends it with an error, behind what there was", async () => {
      openai.faults.push(breaking);
      const errors: unknown[] = [];
      const stream = streamText({
        model: viaOpenAI()("gpt-4o"),
        prompt: PROMPT,
        onError: ({ error }) => {
          errors.push(error);
        },
      });
      const types: string[] = [];
      for await (const { type } of stream.fullStream) types.push(type);
      expect(types).toContain("text-delta");
      expect(errors).toEqual([expect.objectContaining({ name: "AI_APICallError", isRetryable: true })]);
      expect(openai.requests).toHaveLength(1);
    });
  });
}
