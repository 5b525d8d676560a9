import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type AbstractLLM,
  type ContentPart,
  createLLM,
  type EmbedOptions,
  type LLMConfig,
} from "../../src/index.ts";
import { tool } from "../../src/tools/index.ts";
import { HttpService } from "../services/http-service.ts";
import type { RemoteSubject } from "./remote-cases.ts";
import { schemaCases } from "./schema-cases.ts";
import { toolCases } from "./tool-cases.ts";

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** Another one. */
const OTHER_PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
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
    embeddings:
      | {
          model: string;
          areCounted: boolean;
          canBeShortened: boolean;
          /** What of a request says these options; others are refused. */
          fields: Partial<Record<"inputType" | "instruction" | "truncate", object>>;
        }
      | undefined;
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

    toolCases({ open });
    schemaCases({ open });

    const weather = tool({
      name: "get_weather",
      description: "Tells the weather.",
      parameters: CITY,
      execute: ({ city }) => `Sunny in ${city}`,
    });

    test("tells the model of its tools, and of what they gave", async () => {
      await llm.generate("Please use the tools.", { tools: [weather] });
      expect(service.requests).toHaveLength(2);
      const [asked, told] = service.requests.map(({ body }) => JSON.stringify(body));
      expect(asked).toContain("Tells the weather.");
      expect(told).toContain("Sunny in Zürich");
    });

    test("tells the service of the schema", async () => {
      await llm.generate("Count.", { schema: ANSWER });
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

    test.each([
      ["a data URL", () => `data:image/png;base64,${PIXEL.toString("base64")}`],
      [
        "base64",
        () => ({
          source: { type: "base64" as const, media_type: "image/png", data: PIXEL.toString("base64") },
        }),
      ],
      ["a Blob", () => new Blob([PIXEL], { type: "image/png" })],
    ] as const)("takes an image as %s, in a message between texts", async (_, image) => {
      const seeing = await open({ model: subject.visionModel });
      const content: ContentPart[] = [
        { type: "text", text: "before" },
        { type: "image", image: image() },
        { type: "text", text: "after" },
      ];
      await seeing.generate([{ role: "user", content }]);
      const body = JSON.stringify(service.requests[0]?.body);
      for (const part of [PIXEL.toString("base64"), "before", "after"]) expect(body).toContain(part);
    });

    test("shows several images in their order", async () => {
      const seeing = await open({ model: subject.visionModel });
      await seeing.generate("What are they?", { images: [PIXEL, OTHER_PIXEL] });
      const body = JSON.stringify(service.requests[0]?.body);
      const [first, second] = [PIXEL, OTHER_PIXEL].map((image) => body.indexOf(image.toString("base64")));
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(first ?? Infinity);
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
      ["inputType", "query", "input_type"],
      ["instruction", "Find it", "instruction"],
      ["truncate", true, "truncate"],
    ] as const)("says %s to embed, or refuses it", async (name, value, feature) => {
      const { model, fields } = subject.embeddings ?? { model: "none", fields: {} };
      const embedding = llm.embed("x", { model, [name]: value });
      if (fields[name] === undefined)
        return expect(embedding).rejects.toMatchObject({
          feature: subject.embeddings === undefined ? "embeddings" : feature,
        });
      await embedding;
      expect(service.requests.at(-1)?.body).toMatchObject(fields[name]);
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

    test("lists the models that can be asked for", async () => {
      const models = await llm.listModels();
      const ids = models.map(({ id }) => id);
      expect(ids).toContain(subject.visionModel);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { createdAt, capabilities } of models) {
        expect(createdAt?.getFullYear() ?? 2025).toBeGreaterThan(2024);
        expect(capabilities).toBeTypeOf("object");
      }
      await expect(llm.listModels({ signal: AbortSignal.abort("no") })).rejects.toBe("no");
      await expect(llm.listModels({ timeOut: 1 } as object)).rejects.toMatchObject({
        name: "InvalidParameterError",
        message: expect.stringContaining('did you mean "timeout"?'),
      });
    });

    test("names a model that is not there", async () => {
      const error = await (await open({ model: "no-such-model" })).generate("x").catch((e) => e);
      expect(error).toMatchObject({ name: "ModelNotFoundError", modelName: "no-such-model" });
      expect(service.requests).toHaveLength(1);
    });
  });
}
