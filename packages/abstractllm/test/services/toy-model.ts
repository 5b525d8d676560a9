import { answerWithWords, type WordAnswer, type WordRequest } from "./word-model.ts";

/** A tool as the model sees it. */
interface ToyTool {
  name: string;
  parameters: Record<string, unknown>;
}

/** What a service asks of the model. */
export interface ToyRequest extends WordRequest {
  tools?: readonly ToyTool[] | undefined;
  /** `"auto"` calls tools when the last message asks to "use the tools". */
  toolChoice?: "auto" | "none" | "required" | { name: string } | undefined;
  /** Role and text of the last message. */
  last: { role: string; text: string };
  schema?: Record<string, unknown> | undefined;
}

/** What the model answers: words, or calls of tools. */
export interface ToyAnswer extends WordAnswer {
  toolCalls: { name: string; arguments: unknown }[];
}

/** The word model, which also calls tools, and writes JSON where a schema asks for it. */
export function answerAsToy(request: ToyRequest): ToyAnswer {
  const { tools = [], toolChoice = "auto", last, schema } = request;
  const inputTokens = answerWithWords({ ...request, maxTokens: 1 }).inputTokens;
  const mustCall = toolChoice === "required" || typeof toolChoice === "object";
  const mayCall = toolChoice === "auto" && last.role !== "tool" && /use the tools/i.test(last.text);
  if (tools.length > 0 && (mustCall || mayCall)) {
    const chosen =
      typeof toolChoice === "object" ? tools.filter(({ name }) => name === toolChoice.name) : tools;
    const toolCalls = chosen.map(({ name, parameters }) => ({ name, arguments: instanceOf(parameters) }));
    return { tokens: [], reason: "stop", inputTokens, toolCalls };
  }
  if (schema !== undefined) {
    const tokens = JSON.stringify(instanceOf(schema)).split(/(?<=[,:])/);
    return { tokens, reason: "stop", inputTokens, toolCalls: [] };
  }
  return { ...answerWithWords(request), toolCalls: [] };
}

/** A value that fits a schema of the usual kinds. */
function instanceOf(schema: Record<string, unknown>): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  switch (schema.type) {
    case "object": {
      const properties = Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>);
      return Object.fromEntries(properties.map(([name, property]) => [name, instanceOf(property)]));
    }
    case "array":
      return [instanceOf((schema.items ?? {}) as Record<string, unknown>)];
    case "integer":
    case "number":
      return 7;
    case "boolean":
      return true;
    default:
      return "Zürich 🙂";
  }
}
