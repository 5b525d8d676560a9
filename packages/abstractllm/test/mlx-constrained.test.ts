import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type AbstractLLM,
  createLLM,
  type GenerateOptions,
  generateObject,
  type StreamPart,
  tool,
} from "../src/index.ts";
import { grammarProblem } from "./support/grammar-problem.ts";
import { writeScriptedModel } from "./support/scripted-model.ts";
import { writeUniformModel } from "./support/uniform-model.ts";

const SPECIAL = ["<think>", "</think>", "<tool_call>", "</tool_call>"];
const [THINK, END_OF_THINKING] = [2, 3];

/** Takes tools, and opens reasoning where it is asked for by name. */
const TEMPLATE =
  "{% for m in messages %}{{ m.content }}{% endfor %}{% if tools %}{{ tools|length }}<tool_call>{{ tool_call.name if false }}{% endif %}" +
  "{% if enable_thinking %}<think>{% endif %}";

const Pet = z.object({
  name: z.string().min(1).max(8),
  kind: z.enum(["cat", "dog"]),
  age: z.int().min(0).max(30),
  friends: z.array(z.stringFormat("short", /^[a-z]{1,5}$/)).max(2),
});

const feed = tool({
  name: "feed",
  parameters: {
    type: "object",
    properties: { pet: { $ref: "#/$defs/pet" }, grams: { type: "integer", minimum: 1, maximum: 500 } },
    required: ["pet", "grams"],
    additionalProperties: false,
    $defs: { pet: { enum: ["Tom", "Rex"] } },
  },
});
const Walk = z.strictObject({ minutes: z.int().min(5).max(60) });
const walk = tool({ name: "walk", parameters: Walk });

describe.skipIf(grammarProblem !== undefined)(
  `an mlx model that knows nothing${grammarProblem ?? ""}`,
  () => {
    let folder = "";
    let llm: AbstractLLM;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "abstractllm-constrained-"));
      await writeUniformModel(folder, { chatTemplate: TEMPLATE, specialTokens: SPECIAL });
      llm = await createLLM("mlx", {
        model: folder,
        temperature: 1,
        topP: 1,
        device: "cpu",
        quantize: false,
      });
    });
    afterAll(async () => {
      await llm?.unload();
      await rm(folder, { recursive: true });
    });

    test("answers with a value of a schema, at once and whatever is drawn", async () => {
      for (let seed = 0; seed < 20; seed++) {
        const options = { seed, reasoning: false, maxSchemaRetries: 0 } as const;
        const { object, warnings, finishReason } = await generateObject(
          llm,
          "A pet",
          z.strictObject(Pet.shape),
          options,
        );
        expect(Pet.parse(object)).toEqual(object);
        expect({ warnings, finishReason }).toEqual({ warnings: [], finishReason: "stop" });
      }
    });

    test("goes on with a text that is sent as it is by a value of a schema, of which the text says nothing", async () => {
      const asked = { schema: z.strictObject(Pet.shape), seed: 4, chatTemplate: false } as const;
      const { object, usage, text } = await llm.generate("pet = ", asked);
      expect(Pet.parse(JSON.parse(text))).toEqual(object);
      expect(usage.inputTokens).toBe(await llm.countTokens("pet = ", { chatTemplate: false }));
    });

    test("of a text that is sent as it is says what its value lacks, and does not try again", async () => {
      const schema = z.strictObject(Pet.shape).refine(() => false, "is no pet of ours");
      const stream = llm.stream("pet = ", { schema, seed: 4, chatTemplate: false });
      await expect(stream.response).rejects.toMatchObject({
        name: "GenerationError",
        message: expect.stringMatching(/is no pet of ours; say in the prompt/),
      });
      for await (const { type } of stream) expect(type).not.toBe("step-finish");
    });

    test("needs an end and a grammar for what it cannot be asked for", async () => {
      const ask = (options: GenerateOptions) =>
        llm.generate("pet = ", { maxTokens: 20, chatTemplate: false, ...options, stream: false });
      await expect(ask({ schema: z.strictObject(Pet.shape), ignoreEos: true })).rejects.toMatchObject({
        feature: "structured_output",
        message: expect.stringContaining("ignoreEos"),
      });
      await expect(ask({ schema: { type: "integer", not: { const: 1 } } })).rejects.toMatchObject({
        name: "UnsupportedFeatureError",
        message: expect.stringMatching(/cannot be compiled.*"not"/),
      });
    });

    test("shows the value as it grows, in one answer", async () => {
      const stream = llm.stream("A pet", { schema: z.strictObject(Pet.shape), seed: 3 });
      const parts: StreamPart[] = [];
      for await (const part of stream) parts.push(part);
      const objects = parts.flatMap((part) => (part.type === "object-delta" ? [part.object] : []));
      expect(parts[0]).toEqual({ type: "object-start" });
      expect(objects.length).toBeGreaterThan(1);
      expect(objects.at(-1)).toEqual((await stream.response).object);
      expect(parts.some(({ type }) => type === "step-finish")).toBe(false);
    });

    test("calls a tool when it must, with arguments that fit", async () => {
      const names = new Set<string>();
      for (let seed = 0; seed < 20; seed++) {
        const { toolCalls, finishReason } = await llm.generate("Go", {
          tools: [feed, walk],
          toolChoice: "required",
          seed,
        });
        expect(finishReason).toBe("tool-calls");
        expect(toolCalls).toHaveLength(1);
        for (const { name, arguments: input } of toolCalls) {
          names.add(name);
          if (name === "feed")
            expect(input).toEqual({ pet: expect.stringMatching(/^(Tom|Rex)$/), grams: expect.any(Number) });
          else expect(Walk.parse(input)).toEqual(input);
        }
      }
      expect([...names].sort()).toEqual(["feed", "walk"]);
    });

    test("has a call's arguments sent as they are written", async () => {
      const stream = llm.stream("Go", { tools: [feed, walk], toolChoice: "required", seed: 2 });
      const parts: StreamPart[] = [];
      for await (const part of stream) parts.push(part);
      const texts = parts.flatMap((part) => (part.type === "tool-input-delta" ? [part.text] : []));
      expect(texts.length).toBeGreaterThan(2);
      expect(JSON.parse(texts.join(""))).toEqual((await stream.response).toolCalls[0]?.arguments);
    });

    test("calls the tool that it must", async () => {
      for (let seed = 0; seed < 5; seed++) {
        const { toolCalls } = await llm.generate("Go", {
          tools: [feed, walk],
          toolChoice: { name: "walk" },
          seed,
        });
        expect(toolCalls).toMatchObject([{ name: "walk", arguments: { minutes: expect.any(Number) } }]);
      }
    });

    test("reasons first where its prompt opened that, and cannot end before the answer", async () => {
      const schema = z.strictObject(Pet.shape);
      const options = { reasoning: true, seed: 1, logitBias: { [END_OF_THINKING]: 3, 1: 3 } };
      const { object, reasoning } = await llm.generate("A pet", { schema, ...options });
      expect(reasoning?.length).toBeGreaterThan(0);
      expect(Pet.parse(object)).toEqual(object);
    });

    test("may open reasoning before the answer, and not in it", async () => {
      const schema = z.strictObject(Pet.shape);
      const logitBias = { [THINK]: 40, [END_OF_THINKING]: 40 }; // one is as likely as the other to follow
      let thoughts = 0;
      for (let seed = 0; seed < 6; seed++) {
        const options = { schema, logitBias, seed, reasoning: false } as const;
        const { object, text, usage } = await llm.generate("A pet", options);
        thoughts += usage.reasoningTokens;
        expect(Pet.parse(object)).toEqual(JSON.parse(text));
      }
      expect(thoughts).toBeGreaterThan(0);
    });

    test.each([0, 7, 60])(
      "answers with a value, or a call, after %i tokens of reasoning",
      async (maxTokens) => {
        const options = { reasoning: { maxTokens }, logitBias: { [END_OF_THINKING]: -100 } };
        const thinking = { ...options, templateVariables: { enable_thinking: true } };
        for (let seed = 0; seed < 3; seed++) {
          const schema = z.strictObject(Pet.shape);
          const { object, usage } = await llm.generate("A pet", { ...thinking, schema, seed });
          expect(Pet.parse(object)).toEqual(object);
          expect(usage.reasoningTokens).toBe(maxTokens);
          const called = await llm.generate("Go", {
            ...thinking,
            tools: [walk],
            toolChoice: "required",
            seed,
          });
          expect(Walk.parse(called.toolCalls[0]?.arguments)).toEqual(called.toolCalls[0]?.arguments);
          expect(called.usage.reasoningTokens).toBe(maxTokens);
        }
      },
    );

    test("is cut off as any other", async () => {
      const schema = z.strictObject(Pet.shape);
      await expect(llm.generate("A pet", { schema, maxTokens: 4, seed: 1 })).rejects.toMatchObject({
        name: "GenerationError",
        message: expect.stringContaining("maxTokens"),
      });
    });
  },
);

describe.skipIf(grammarProblem !== undefined)(
  `a schema that cannot be held to${grammarProblem ?? ""}`,
  () => {
    test("is asked for in the prompt instead, with a warning that says why", async () => {
      const folder = await mkdtemp(join(tmpdir(), "abstractllm-refused-"));
      const chains = [["<|plain|>", '{"name": ', '"Ada"}']];
      await writeScriptedModel(folder, { chatTemplate: "<|plain|>", chains, specialTokens: [] });
      await using llm = await createLLM("mlx", {
        model: folder,
        temperature: 0,
        device: "cpu",
        quantize: false,
      });
      const schema = {
        type: "object",
        properties: { name: { type: "string", not: { const: "Bob" } } },
      } as const;
      const { object, warnings } = await llm.generate("Who?", { schema });
      expect(object).toEqual({ name: "Ada" });
      expect(warnings).toContainEqual(expect.stringMatching(/cannot be compiled.*"not".*only asked for/));
      await rm(folder, { recursive: true });
    });
  },
);
