import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIALECT_NAMES } from "../src/dialects/dialect-table.ts";
import { type AbstractLLM, createLLM, type JsonSchema } from "../src/index.ts";
import { validate } from "../src/schema/index.ts";
import { grammarProblem } from "./support/grammar-problem.ts";
import { HELD_DIALECTS, type HeldDialect } from "./support/held-dialects.ts";
import { writeUniformModel } from "./support/uniform-model.ts";

const END = 1;

const feed = {
  name: "feed",
  parameters: {
    type: "object",
    properties: {
      pet: { $ref: "#/$defs/pet" },
      grams: { type: "integer", minimum: 1, maximum: 500 },
      note: { type: ["string", "null"], maxLength: 6 },
      code: { type: "string", pattern: "^[A-Z]\\d{2}(-x|-y)?$" },
      warm: { type: "boolean" },
    },
    required: ["pet", "grams"],
    additionalProperties: false,
    $defs: { pet: { enum: ["Tom", "Rex", "Mister Rex"] } },
  },
} as const;
const walk = {
  name: "walk",
  parameters: {
    type: "object",
    properties: {
      minutes: { type: "number", minimum: 5, maximum: 60 },
      places: { type: "array", items: { enum: ["park", "beach"] }, maxItems: 2 },
      with: {
        anyOf: [{ type: "string", minLength: 1, maxLength: 4 }, { type: "integer" }, { type: "null" }],
      },
      lead: { type: "object", properties: { long: { type: "boolean" } }, additionalProperties: false },
    },
    required: ["minutes", "with"],
    additionalProperties: false,
  },
} as const;
const tools = [feed, walk];
const schemas: Readonly<Record<string, JsonSchema>> = { feed: feed.parameters, walk: walk.parameters };

/** Whether arguments are sent while they are written: those in Python and in Gemma's form are when they are complete. */
const isFollowed = ({ dialect, opening }: HeldDialect): boolean =>
  !["function_gemma", "gemma4", "pythonic"].includes(dialect) && opening[0] !== "[walk";

/** Takes tools where the dialect has them. */
const templateOf = ({ dialect, template }: HeldDialect): string =>
  `{# ${template} #}${dialect === "prompted_json" ? "" : "{% if tools %}{% endif %}"}<|begin|>`;

describe.skipIf(grammarProblem !== undefined)(`calls in the dialect${grammarProblem ?? ""}`, () => {
  describe.each(HELD_DIALECTS)("$dialect, opened by $opening,", (held) => {
    let folder = "";
    let llm: AbstractLLM;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "abstractllm-held-"));
      await writeUniformModel(folder, {
        chatTemplate: templateOf(held),
        specialTokens: ["<|begin|>", ...(held.special ?? [])],
        addedTokens: held.added ?? [],
        chain: ["<|begin|>", ...held.opening],
      });
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

    const options = { tools, maxSteps: 1, maxTokens: 2000, logitBias: { [END]: 4 } };
    const ask = (more: object) => llm.generate("Go", { ...options, ...more });

    /** An answer, and the arguments of each of its calls in the pieces that they came in. */
    const askStreamed = async (more: object) => {
      const stream = llm.stream("Go", { ...options, ...more });
      const inputs = new Map<string, string[]>();
      for await (const part of stream) {
        if (part.type === "tool-input-start") inputs.set(part.id, []);
        if (part.type === "tool-input-delta") inputs.get(part.id)?.push(part.text);
      }
      return { ...(await stream.response), inputs };
    };

    test("fit their tools whatever is drawn, once the model opens one", async () => {
      const names = new Set<string>();
      const answers = await Promise.all(Array.from({ length: 8 }, (_, seed) => askStreamed({ seed })));
      const whole = answers.filter(({ finishReason }) => finishReason !== "length");
      expect(whole.length).toBeGreaterThan(answers.length / 2);
      for (const { toolCalls, finishReason, warnings, text, inputs } of whole) {
        expect({ finishReason, warnings }, text).toEqual({ finishReason: "tool-calls", warnings: [] });
        expect([...inputs.keys()]).toEqual(toolCalls.map(({ id }) => id));
        for (const { id, name, arguments: input } of toolCalls) {
          names.add(name);
          expect(await validate(schemas[name] ?? { not: {} }, input), JSON.stringify(input)).toEqual({
            value: input,
          });
          const pieces = inputs.get(id) ?? [];
          expect(JSON.parse(pieces.join(""))).toEqual(JSON.parse(JSON.stringify(input))); // which has no -0
          expect(pieces.length > 1).toBe(isFollowed(held));
        }
      }
      const opensOne = held.opening.some((text) => text.includes("walk") || text.includes("feed"));
      if (!opensOne) expect([...names].sort()).toEqual(["feed", "walk"]);
    });

    const canBeForced = held.dialect !== "harmony"; // whose calls come behind reasoning and headers of other messages
    test.each(canBeForced ? (["required", { name: "feed" }] as const) : [])(
      "are one where the model must call: %o",
      async (toolChoice) => {
        const { toolCalls, warnings } = await ask({ seed: 3, toolChoice });
        expect({ count: toolCalls.length, warnings }).toEqual({ count: 1, warnings: [] });
        for (const { name, arguments: input } of toolCalls)
          expect(await validate(schemas[name] ?? { not: {} }, input)).toEqual({ value: input });
      },
    );
  });

  test("are held in every dialect that is known", () => {
    const known = [...DIALECT_NAMES, "harmony"].filter((name) => name !== "laguna"); // GLM's
    expect([...new Set(HELD_DIALECTS.map(({ dialect }) => dialect))].sort()).toEqual(known.sort());
  });
});
