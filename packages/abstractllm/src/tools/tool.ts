import { InvalidParameterError } from "../errors/index.ts";
import type { InferSchema, Schema } from "../interface/schema.ts";
import type { Tool, ToolContext } from "../interface/tool.ts";
import { checkTool } from "./check-tool.ts";

/** What `tool()` takes: a `Tool` whose `execute` gets the arguments that `parameters` describes. */
interface ToolDefinition<S extends Schema, Output> extends Omit<Tool, "parameters" | "execute"> {
  readonly parameters: S;
  execute?(input: InferSchema<S>, context: ToolContext): Output | PromiseLike<Output>;
}

/**
 * Describes a tool; `execute` gets the type of arguments that `parameters` describes.
 *
 * @throws {InvalidParameterError} for a bad name, or parameters that are no object
 * @example
 * const weather = tool({
 *   name: "get_weather",
 *   description: "Weather of a city, now",
 *   parameters: z.object({ city: z.string() }),
 *   execute: ({ city }) => fetchWeather(city),
 * });
 * await llm.generate("Do I need an umbrella in Paris?", { tools: [weather] });
 */
export function tool<const S extends Schema, Output = unknown>(
  definition: ToolDefinition<S, Output>,
): Tool<InferSchema<S>, Output> {
  const problem = checkTool(definition);
  if (problem !== undefined) throw new InvalidParameterError("tools", undefined, problem);
  return definition;
}
