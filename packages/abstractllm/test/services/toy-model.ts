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
  const { tools = [], toolChoice = "auto", last, schema, prompt } = request;
  const inputTokens = answerWithWords({ ...request, maxTokens: 1 }).inputTokens;
  const written = tools.length === 0 && asksForTools(last) ? callsInText(prompt) : [];
  if (written.length > 0) return { tokens: written, reason: "stop", inputTokens, toolCalls: [] };
  const mustCall = toolChoice === "required" || typeof toolChoice === "object";
  const mayCall = toolChoice === "auto" && asksForTools(last);
  if (tools.length > 0 && (mustCall || mayCall)) {
    const chosen =
      typeof toolChoice === "object" ? tools.filter(({ name }) => name === toolChoice.name) : tools;
    const toolCalls = chosen.map(({ name, parameters }) => ({ name, arguments: instanceOf(parameters) }));
    return { tokens: [], reason: "stop", inputTokens, toolCalls };
  }
  if (schema !== undefined) {
    const count = last.text.includes("does not fit") ? 8 : 7;
    const tokens = JSON.stringify(instanceOf(schema, count)).split(/(?<=[,:])/);
    return { tokens, reason: "stop", inputTokens, toolCalls: [] };
  }
  return { ...answerWithWords(request), toolCalls: [] };
}

const asksForTools = ({ role, text }: ToyRequest["last"]): boolean =>
  role !== "tool" && /use the tools/i.test(text);

/** Calls as text of the tools that a prompt describes: all of them, or the one that must be called. */
function callsInText(prompt: string): string[] {
  const described = /<tools>\n(.*?)\n<\/tools>/s.exec(prompt)?.[1] ?? "";
  const forced = /Call the function (\S+) now/.exec(prompt)?.[1];
  const tools = described
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).function as ToyTool);
  const chosen = forced === undefined ? tools : tools.filter(({ name }) => name === forced);
  return chosen.flatMap(({ name, parameters }) => {
    const call = JSON.stringify({ name, arguments: instanceOf(parameters) });
    return ["<tool_call>\n", ...(call.match(/.{1,9}/gsu) ?? []), "\n</tool_call>\n"];
  });
}

/** A value that fits a schema of the usual kinds. */
function instanceOf(schema: Record<string, unknown>, count = 7): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  switch (schema.type) {
    case "object": {
      const properties = Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>);
      return Object.fromEntries(properties.map(([name, property]) => [name, instanceOf(property, count)]));
    }
    case "array":
      return [instanceOf((schema.items ?? {}) as Record<string, unknown>, count)];
    case "integer":
    case "number":
      return count;
    case "boolean":
      return true;
    default:
      return "Zürich 🙂";
  }
}
