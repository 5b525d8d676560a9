import { withSchemaPrompt } from "../schema/index.ts";
import type { ProviderCall } from "./provider-call.ts";

/** The schema in the prompt as well: a model does better when it knows the shape, and some servers ignore the field or have none. */
export function withSchemaInPrompt(call: ProviderCall): ProviderCall {
  if (call.schema === undefined) return call;
  return { ...call, messages: withSchemaPrompt(call.messages, call.schema) };
}
