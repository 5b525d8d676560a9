/** What the compiler knows of tools: checked by `npm run lint`, never run. */
import { expectTypeOf } from "vitest";
import { z } from "zod";
import {
  type AbstractLLM,
  type GenerateOptions,
  type Tool,
  type ToolContext,
  tool,
} from "../../src/index.ts";

declare const llm: AbstractLLM;

const weather = tool({
  name: "get_weather",
  parameters: z.object({ city: z.string(), days: z.int().optional() }),
  execute: (input, context) => {
    expectTypeOf(input).toEqualTypeOf<{ city: string; days?: number | undefined }>();
    expectTypeOf(context).toEqualTypeOf<ToolContext>();
    return { celsius: 21 };
  },
});
expectTypeOf(weather).toEqualTypeOf<Tool<{ city: string; days?: number | undefined }, { celsius: number }>>();

const add = tool({
  name: "add",
  parameters: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  },
  execute: async ({ a, b }) => a + b,
});
expectTypeOf(add).toEqualTypeOf<Tool<{ a: number; b: number }, number>>();

tool({
  name: "add",
  parameters: z.object({ a: z.number() }),
  // @ts-expect-error the schema has no b
  execute: ({ b }) => b,
});
// @ts-expect-error a tool has a name
tool({ parameters: z.object({}) });

// tools of different arguments stand in one list; one that has no execute is the caller's to run
await llm.generate("x", { tools: [weather, add, { name: "ask_user" }], toolChoice: { name: "add" } });
await llm.generate("x", {
  tools: [weather],
  maxSteps: 3,
  approveToolCall: ({ name }, { signal }) => {
    expectTypeOf(name).toEqualTypeOf<string>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return { approved: false, reason: "no" };
  },
});
expectTypeOf<"auto">().toExtend<NonNullable<GenerateOptions["toolChoice"]>>();
// @ts-expect-error no such choice
await llm.generate("x", { tools: [weather], toolChoice: "always" });
// @ts-expect-error approval is a boolean or says so
await llm.generate("x", { tools: [weather], approveToolCall: () => "yes" });
