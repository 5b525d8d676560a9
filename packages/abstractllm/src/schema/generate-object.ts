import { InvalidParameterError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { checkLLM } from "../interface/check-llm.ts";
import type { GenerateOptions } from "../interface/generate-options.ts";
import type { ObjectResponse } from "../interface/generate-response.ts";
import type { Prompt } from "../interface/message.ts";
import type { InferSchema, Schema } from "../interface/schema.ts";

/** Options of `generateObject`. */
type ObjectOptions = Omit<GenerateOptions, "schema" | "stream" | "tools">;

/**
 * Asks for a value of a given shape; the same as `llm.generate(prompt, { schema })`.
 *
 * @throws {InvalidParameterError} for what is no LLM, or without a schema
 * @throws {GenerationError} when the answers do not fit the schema
 * @example
 * const { object } = await generateObject(llm, "A cake for four", z.object({ name: z.string(), eggs: z.int() }));
 */
export async function generateObject<const S extends Schema>(
  llm: AbstractLLM,
  prompt: Prompt,
  schema: S,
  options: ObjectOptions = {},
): Promise<ObjectResponse<InferSchema<S>>> {
  if (schema === undefined || schema === null) {
    throw new InvalidParameterError(
      "schema",
      undefined,
      "Expected JSON Schema or Standard Schema for schema",
    );
  }
  return checkLLM(llm).generate(prompt, { ...options, schema });
}
