import type { ToolChoice } from "abstractllm";
import {
  either,
  type JsonObject,
  nonEmptyText,
  object,
  oneOf,
  readFields,
  required,
} from "../fields/index.ts";

const CHOICES = { auto: "auto", none: "none", required: "required" } as const;

export const choiceCheck = either(oneOf("auto", "none", "required"), object);

/** @param name - reads the name of the function that must be called @throws {RequestProblem} */
export function toToolChoice(
  choice: keyof typeof CHOICES | JsonObject | undefined,
  name: (choice: JsonObject) => string,
): ToolChoice | undefined {
  if (choice === undefined) return undefined;
  return typeof choice === "object" ? { name: name(choice) } : CHOICES[choice];
}

/** The name in `{ type: "function", function: { name } }`. */
export function nestedName(choice: JsonObject): string {
  const read = readFields(
    choice,
    { type: required(oneOf("function")), function: required(object) },
    "tool_choice",
  );
  return readFields(read.function, { name: required(nonEmptyText) }, "tool_choice.function").name;
}

/** The name in `{ type: "function", name }`. */
export function flatName(choice: JsonObject): string {
  const rules = { type: required(oneOf("function")), name: required(nonEmptyText) };
  return readFields(choice, rules, "tool_choice").name;
}
