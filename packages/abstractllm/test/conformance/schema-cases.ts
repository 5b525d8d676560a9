import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { AbstractLLM, StreamPart } from "../../src/index.ts";

/**
 * A provider under test, with a model that answers a schema of a name and a count with "Zürich 🙂" and 7, and one more
 * when it is told that this does not fit.
 */
export interface SchemaSubject {
  open(): Promise<AbstractLLM>;
}

const ANSWER = {
  type: "object",
  properties: { name: { type: "string" }, count: { type: "integer" } },
  required: ["name", "count"],
  additionalProperties: false,
} as const;

const withCount = (rule: object) => ({
  ...ANSWER,
  properties: { name: { type: "string" }, count: { type: "integer", ...rule } },
});

/** How every provider's models answer with a value of a given shape. */
export function schemaCases(subject: SchemaSubject): void {
  describe("an answer to a schema", () => {
    let llm: AbstractLLM;
    beforeAll(async () => {
      llm = await subject.open();
    });
    afterAll(() => llm.unload());

    test("is a value of its type", async () => {
      const { object } = await llm.generate("Count.", { schema: ANSWER });
      expectTypeOf(object).toEqualTypeOf<{ name: string; count: number }>();
      expect(object).toEqual({ name: "Zürich 🙂", count: 7 });
    });

    test("is what a validation library makes of it", async () => {
      const schema = z.object({ name: z.string().transform((name) => name.length), count: z.int() });
      const written = { input: () => ANSWER }; // zod gives no JSON Schema for what it transforms
      const { object } = await llm.generate("Count.", {
        schema: { "~standard": { ...schema["~standard"], jsonSchema: written } },
      });
      expect(object).toEqual({ name: "Zürich 🙂".length, count: 7 });
    });

    test("shows the value as it grows", async () => {
      const stream = llm.stream("Count.", { schema: ANSWER });
      const parts: StreamPart[] = [];
      for await (const part of stream) parts.push(part);
      const objects = parts.flatMap((part) => (part.type === "object-delta" ? [part.object] : []));
      expect(objects.length).toBeGreaterThan(1);
      expect(objects.at(-1)).toEqual((await stream.response).object);
    });

    test("that does not fit goes back with what is wrong, and the next one counts", async () => {
      const schema = withCount({ minimum: 8 });
      const first = await llm.generate("Count.", { schema: ANSWER });
      const stream = llm.stream("Count.", { schema });
      const types: string[] = [];
      for await (const { type } of stream) types.push(type);
      expect(types.filter((type) => type === "step-finish")).toHaveLength(1);
      const { object, usage, messages } = await stream.response;
      expect(object).toEqual({ name: "Zürich 🙂", count: 8 });
      expect(usage.outputTokens).toBeGreaterThan(first.usage.outputTokens);
      expect(messages).toHaveLength(1);
    });

    test("that never fits is an error with what is wrong", async () => {
      const schema = withCount({ maximum: 6 });
      await expect(llm.generate("Count.", { schema, maxSchemaRetries: 1 })).rejects.toMatchObject({
        name: "GenerationError",
        details: { issues: [expect.stringContaining("count")] },
      });
    });
  });
}
