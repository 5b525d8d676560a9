import type { LanguageModelV3CallOptions } from "@ai-sdk/provider";
import type { JsonSchema } from "abstractllm";

/** The schema of a JSON answer, its name and description in it; any object where there is none. Undefined for text. */
export function toSchema(format: LanguageModelV3CallOptions["responseFormat"]): JsonSchema | undefined {
  if (format?.type !== "json") return undefined;
  const { schema = { type: "object" }, name, description } = format;
  return {
    ...(name === undefined ? {} : { title: name }),
    ...(description === undefined ? {} : { description }),
    ...schema,
  };
}
