import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Engine, type EngineModel, startEngine } from "@abstractllm/mlx";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonSchema } from "../src/interface/schema.ts";
import { validate } from "../src/schema/index.ts";
import { SETUP_MODEL } from "./setup-model.ts";
import { grammarProblem } from "./support/grammar-problem.ts";
import { randomSchema } from "./support/random-schema.ts";
import { writeUniformModel } from "./support/uniform-model.ts";

describe.skipIf(grammarProblem !== undefined)(`an answer held to a schema${grammarProblem ?? ""}`, () => {
  let engine: Engine;
  let folder = "";
  beforeAll(async () => {
    engine = await startEngine({ device: "cpu" });
    folder = await mkdtemp(join(tmpdir(), "abstractllm-uniform-"));
    await writeUniformModel(folder);
  });
  afterAll(async () => {
    await engine?.dispose();
    await rm(folder, { recursive: true });
  });

  /** An answer drawn at temperature 1; undefined when it was cut off. */
  const draw = async (
    model: EngineModel,
    jsonSchema: JsonSchema,
    options: { seed: number; maxTokens: number },
  ): Promise<string | undefined> => {
    let text = "";
    const request = { prompt: "An example:", constraint: { jsonSchema }, temperature: 1, ...options };
    for await (const part of model.generate(request)) {
      if (part.type === "text-delta") text += part.text;
      if (part.type === "finish" && part.finishReason === "length") return undefined;
    }
    return text;
  };

  it.each([
    { name: "a model that knows nothing", path: () => folder, schemas: 200, maxTokens: 300, finished: 180 },
    { name: "SmolLM2", path: () => SETUP_MODEL, schemas: 24, maxTokens: 60, finished: 12 },
  ])(
    "fits it whenever it ends: $schemas random ones, $name",
    async ({ path, schemas, maxTokens, finished }) => {
      const model = await engine.load({ path: path() });
      const drawn = await Promise.all(
        fc.sample(randomSchema, { numRuns: schemas, seed: 20 }).map(async (schema, seed) => {
          const text = await draw(model, schema, { seed, maxTokens });
          return text === undefined ? [] : [{ schema, text }];
        }),
      );
      for (const { schema, text } of drawn.flat()) {
        const { issues } = await validate(schema, JSON.parse(text));
        expect(issues, `${text} for ${JSON.stringify(schema)}`).toBeUndefined();
      }
      expect(drawn.flat().length).toBeGreaterThan(finished);
      await model.dispose();
    },
  );
});
