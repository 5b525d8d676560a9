/** Which type a schema describes: checked by `npm run lint`, never run. */
import { expectTypeOf } from "vitest";
import { z } from "zod";
import {
  type AbstractLLM,
  generateObject,
  type InferPartial,
  type InferSchema,
  type JsonSchema,
  type StandardSchema,
} from "../../src/index.ts";

declare const llm: AbstractLLM;

// zod, through the Standard Schema interface: what is inferred is what parsing gives
const cake = z.object({ name: z.string(), eggs: z.int().default(2), tags: z.array(z.string()).optional() });
const { object } = await generateObject(llm, "A cake", cake);
expectTypeOf(object).toEqualTypeOf<{ name: string; eggs: number; tags?: string[] | undefined }>();
expectTypeOf<InferSchema<typeof cake>>().toEqualTypeOf<z.output<typeof cake>>();
const { object: kind } = await generateObject(llm, "x", z.enum(["a", "b"]));
expectTypeOf(kind).toEqualTypeOf<"a" | "b">();
const { object: length } = await generateObject(
  llm,
  "x",
  z.string().transform((text) => text.length),
);
expectTypeOf(length).toEqualTypeOf<number>();
expectTypeOf<InferSchema<StandardSchema<Date>>>().toEqualTypeOf<Date>();

// JSON Schema, written in the call without `as const`
const { object: person } = await generateObject(llm, "x", {
  type: "object",
  properties: {
    name: { type: "string" },
    age: { type: ["integer", "null"] },
    role: { enum: ["admin", "user"] },
    kind: { const: "person" },
    address: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    scores: { type: "array", items: { anyOf: [{ type: "number" }, { type: "boolean" }] } },
    rest: { type: "object" },
    any: {},
  },
  required: ["name", "age", "kind", "scores"],
});
expectTypeOf(person).toEqualTypeOf<{
  name: string;
  age: number | null;
  kind: "person";
  scores: (number | boolean)[];
  role?: "admin" | "user";
  address?: { city: string };
  rest?: Record<string, unknown>;
  any?: unknown;
}>();

// a schema whose type is not known gives what must be looked at
declare const fromFile: Record<string, unknown>;
expectTypeOf((await generateObject(llm, "x", fromFile)).object).toEqualTypeOf<unknown>();

// what is being written: nothing is there for sure, texts may end anywhere, and nothing is transformed
const letter = z.object({
  mood: z.enum(["good", "bad"]),
  lines: z.array(z.object({ text: z.string(), size: z.number() })),
  length: z.string().transform((text) => text.length),
});
expectTypeOf<InferPartial<typeof letter>>().toEqualTypeOf<{
  mood?: string;
  lines?: { text?: string; size?: number }[];
  length?: string;
}>();
expectTypeOf<InferPartial<{ type: "array"; items: { type: "integer" } }>>().toEqualTypeOf<number[]>();
expectTypeOf<InferPartial<JsonSchema>>().toEqualTypeOf<unknown>();
expectTypeOf<InferPartial<StandardSchema<Date>>>().toEqualTypeOf<unknown>();

// @ts-expect-error generateObject has no tools
await generateObject(llm, "x", cake, { tools: [] });
// @ts-expect-error a string is no schema
await generateObject(llm, "x", "object");
