import type { JsonSchema } from "../../interface/schema.ts";

/** The name that a schema goes by: its title, where that is one that OpenAI takes. */
export function schemaName({ title }: JsonSchema): string {
  return typeof title === "string" && /^[\w-]{1,64}$/.test(title) ? title : "answer";
}
