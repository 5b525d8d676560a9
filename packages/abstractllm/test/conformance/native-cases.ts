import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type AbstractLLM,
  createLLM,
  type EmbedOptions,
  type LLMConfig,
  type StreamPart,
  textOf,
} from "../../src/index.ts";
import type { ToolChoice } from "../../src/interface/tool.ts";
import { tool } from "../../src/tools/index.ts";
import { HttpService } from "../services/http-service.ts";
import type { RemoteSubject } from "./remote-cases.ts";

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;

const ANSWER = {
  type: "object",
  properties: { name: { type: "string" }, count: { type: "integer" } },
  required: ["name", "count"],
  additionalProperties: false,
} as const;

/** Tools, schemas and images, in the service's own way. */
export function nativeCases(
  subject: RemoteSubject & {
    visionModel: string;
    /** Undefined where the service makes no embeddings. */
    embeddings: { model: string; areCounted: boolean; canBeShortened: boolean } | undefined;
    forcesTools: boolean;
    config: LLMConfig;
  },
): void {
  describe("natively", () => {
    let service: HttpService;
    let llm: AbstractLLM;

    const open = (config: LLMConfig = {}) =>
      createLLM(subject.provider, {
        ...subject.config,
        baseUrl: service.origin + subject.basePath,
        ...config,
      });

    beforeAll(async () => {
      service = await HttpService.start(subject.behaviour);
      llm = await open();
    });
    beforeEach(() => {
      service.requests.length = 0;
    });
    afterAll(() => service.stop());

    const weather = tool({
      name: "get_weather",
      description: "Tells the weather.",
      parameters: CITY,
      execute: ({ city }) => `Sunny in ${city}`,
    });
    const time = tool({ name: "get_time", parameters: CITY, execute: () => ({ hour: 12 }) });

    test("runs the tools that the model asks for, several at once, and goes on with what they gave", async () => {
      const parts: StreamPart[] = [];
      const stream = llm.stream("Please use the tools.", { tools: [weather, time] });
      for await (const part of stream) parts.push(part);
      const { toolCalls, messages, text, finishReason } = await stream.response;
      expect(text).not.toBe("");
      expect([toolCalls, finishReason]).toEqual([[], "stop"]);
      expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "tool", "assistant"]);
      expect(messages.slice(1, 3).map(textOf)).toEqual(["Sunny in Zürich 🙂", '{"hour":12}']);
      const types = parts.map(({ type }) => type);
      for (const type of [
        "tool-input-start",
        "tool-input-delta",
        "tool-call",
        "tool-result",
        "step-finish",
      ]) {
        expect(types).toContain(type);
      }
      const inputs = parts.filter((part) => part.type === "tool-input-delta");
      const first = inputs.filter(({ id }) => id === inputs[0]?.id).map((part) => part.text);
      expect(JSON.parse(first.join(""))).toEqual({ city: "Zürich 🙂" });
      expect(service.requests).toHaveLength(2);
      const [asked, told] = service.requests.map(({ body }) => JSON.stringify(body));
      expect(asked).toContain("Tells the weather.");
      expect(told).toContain("Sunny in Zürich");
    });

    test("hands a call to the caller when the tool has no execute", async () => {
      const { toolCalls, finishReason } = await llm.generate("Please use the tools.", {
        tools: [tool({ name: "ask_user", parameters: CITY })],
      });
      expect(finishReason).toBe("tool-calls");
      expect(toolCalls).toEqual([
        { id: expect.stringMatching(/./), name: "ask_user", arguments: { city: "Zürich 🙂" } },
      ]);
    });

    test("calls no tool when it may not, and the one it must", async () => {
      const choose = (toolChoice: ToolChoice) =>
        llm.generate("Please use the tools.", {
          tools: [{ name: "a" }, { name: "b" }],
          toolChoice,
        });
      expect((await choose("none")).toolCalls).toEqual([]);
      if (!subject.forcesTools) {
        await expect(choose("required")).rejects.toMatchObject({ feature: "tool_choice" });
        return;
      }
      expect((await choose({ name: "b" })).toolCalls.map(({ name }) => name)).toEqual(["b"]);
      expect((await choose("required")).toolCalls.map(({ name }) => name)).toEqual(["a", "b"]);
    });

    test("holds the answer to a schema", async () => {
      const { object } = await llm.generate("Count.", { schema: ANSWER });
      expect(object).toEqual({ name: "Zürich 🙂", count: 7 });
      expect(JSON.stringify(service.requests[0]?.body)).toContain('"additionalProperties":false');
    });

    test("shows images to models that see, and refuses them for others", async () => {
      const seeing = await open({ model: subject.visionModel });
      await seeing.generate("What is it?", { images: [PIXEL] });
      expect(JSON.stringify(service.requests[0]?.body)).toContain(PIXEL.toString("base64"));
      const blind = await open({ vision: false });
      await expect(blind.generate("What is it?", { images: [PIXEL] })).rejects.toMatchObject({
        feature: "vision",
      });
    });

    test("makes embeddings, in the order of the texts", async () => {
      if (subject.embeddings === undefined) {
        return expect(llm.embed("one")).rejects.toMatchObject({ feature: "embeddings" });
      }
      const { model, areCounted, canBeShortened } = subject.embeddings;
      const { embeddings, usage, ...response } = await llm.embed(["one", "one two three"], { model });
      expect(embeddings.map(([first]) => first)).toEqual([3, 13]);
      expect(usage).toEqual({ inputTokens: areCounted ? 4 : 0 });
      expect(response).toMatchObject({ model, provider: subject.provider });
      const shortened = llm.embed("x", { model, dimensions: 2 });
      if (!canBeShortened) return expect(shortened).rejects.toMatchObject({ feature: "dimensions" });
      expect((await shortened).embeddings).toHaveLength(1);
      expect(service.requests.at(-1)?.body).toMatchObject({ dimensions: 2 });
    });

    test.each([
      [[], {}, "Expected non-empty string or array"],
      [["a", ""], {}, "Expected non-empty string or array"],
      ["a", { dimension: 2 }, 'did you mean "dimensions"?'],
      ["a", { dimensions: 0 }, "Expected integer of at least 1 for dimensions"],
    ])("refuses to embed %j with %j", async (texts, options, message) => {
      await expect(llm.embed(texts, options as EmbedOptions)).rejects.toMatchObject({
        name: "InvalidParameterError",
        message: expect.stringContaining(message),
      });
    });

    test("embeds within its limits", async () => {
      const { model } = subject.embeddings ?? { model: "none" };
      await expect(llm.embed("x", { model, signal: AbortSignal.abort("no") })).rejects.toBe("no");
      if (subject.embeddings === undefined) return;
      await expect(llm.embed("x", { model: "no-such-model" })).rejects.toMatchObject({
        name: "ModelNotFoundError",
        modelName: "no-such-model",
      });
    });

    test("names a model that is not there", async () => {
      const error = await (await open({ model: "no-such-model" })).generate("x").catch((e) => e);
      expect(error).toMatchObject({ name: "ModelNotFoundError", modelName: "no-such-model" });
      expect(service.requests).toHaveLength(1);
    });
  });
}
