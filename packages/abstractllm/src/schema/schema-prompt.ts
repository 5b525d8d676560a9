import { MessageRole } from "../interface/message.ts";
import type { JsonSchema } from "../interface/schema.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import { withInstructions } from "../prompt/with-instructions.ts";

/** The conversation with the schema in it, for models that their provider cannot hold to one. */
export function withSchemaPrompt(
  messages: readonly ResolvedMessage[],
  schema: JsonSchema,
): ResolvedMessage[] {
  return withInstructions(
    messages,
    `Answer with one JSON value and nothing else: no explanation, no code fence. It must fit this JSON Schema:\n${JSON.stringify(schema)}`,
  );
}

/** A description, which says what a value means and not only what it looks like. */
const DESCRIPTION = /"description":"/;

/**
 * The conversation for a model that is held to the schema: told that JSON is wanted, and the schema where it has
 * descriptions. Without them a small model answers better when it does not see it (docs/structured-output.md).
 */
export function withShapePrompt(messages: readonly ResolvedMessage[], schema: JsonSchema): ResolvedMessage[] {
  if (DESCRIPTION.test(JSON.stringify(schema))) return withSchemaPrompt(messages, schema);
  return withInstructions(messages, "Answer with one JSON value and nothing else.");
}

/** What the model is told when its answer does not fit. */
export const correctionOf = (issues: readonly string[]): ResolvedMessage => ({
  role: MessageRole.USER,
  content: `The answer does not fit the JSON Schema. ${issues.join("; ")}. Answer again with the corrected JSON and nothing else.`,
});
