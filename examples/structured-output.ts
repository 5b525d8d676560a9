/** A typed value instead of text. Small models often miss the schema: MODEL names a larger one. */
import { createLLM, GenerationError, generateObject } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", { model, temperature: 0, maxTokens: 60 });

const schema = {
  type: "object",
  properties: { city: { type: "string" }, country: { type: "string" } },
  required: ["city", "country"],
} as const;

const stream = llm.stream("Paris is the capital of France.", { schema, maxSchemaRetries: 1 });
for await (const part of stream) if (part.type === "object-delta") console.log("so far:", part.object);

try {
  const { object } = await generateObject(llm, "Paris is the capital of France.", schema);
  console.log(`${object.city}, ${object.country}`);
} catch (error) {
  if (!GenerationError.isInstance(error)) throw error;
  console.log(error.message);
}
