import type { LanguageModelV3CallOptions, LanguageModelV3FunctionTool } from "@ai-sdk/provider";
import type { Tool, ToolChoice } from "abstractllm";
import type { Warn } from "./warnings.ts";

type GivenTools = NonNullable<LanguageModelV3CallOptions["tools"]>;
type GivenChoice = NonNullable<LanguageModelV3CallOptions["toolChoice"]>;

/** Tools that the AI SDK runs: the call ends with the calls of them. */
export function toTools(tools: GivenTools, warn: Warn): Tool[] {
  return tools.flatMap((tool) => {
    if (tool.type === "function") return [toTool(tool, warn)];
    const details = "It runs at another service; give a tool with inputSchema and execute instead.";
    warn({ type: "unsupported", feature: `provider-defined tool ${tool.id}`, details });
    return [];
  });
}

function toTool(tool: LanguageModelV3FunctionTool, warn: Warn): Tool {
  const { name, description, inputSchema, inputExamples = [], strict } = tool;
  if (strict === true) {
    const details = "The arguments are held to the schema where the engine can do so, and checked elsewhere.";
    warn({ type: "unsupported", feature: `strict tool ${name}`, details });
  }
  if (inputExamples.length > 0) {
    const details = "addToolInputExamplesMiddleware of the AI SDK puts them into the description.";
    warn({ type: "unsupported", feature: `inputExamples of tool ${name}`, details });
  }
  return {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: { ...inputSchema },
    ...(strict === undefined ? {} : { strict }),
  };
}

/** Which tool the model must call. */
export function toToolChoice(choice: GivenChoice): ToolChoice {
  return choice.type === "tool" ? { name: choice.toolName } : choice.type;
}
