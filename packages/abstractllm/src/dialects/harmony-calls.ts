import type { ToolSpec } from "../interface/tool.ts";
import { type Grammar, type HeldPart, jsonArguments } from "./grammar/index.ts";

/** What a header may say of the arguments. */
const KIND: Grammar = { anyOf: [" <|constrain|>json", "<|constrain|>json", " json", ""] };

/** Messages of gpt-oss to a function, which their headers name before or behind the channel. */
export function harmonyParts(tools: readonly ToolSpec[]): HeldPart[] {
  const callBehind = (header: Grammar): Grammar => [
    "functions.",
    { anyOf: tools.map((tool) => [tool.name, header, "<|message|>", jsonArguments(tool)]) },
    "<|call|>",
  ];
  return [
    { start: "<|channel|>commentary to=", grammar: callBehind(KIND) },
    { start: "<|channel|>analysis to=", grammar: callBehind(KIND) },
    { start: "<|start|>assistant to=", grammar: callBehind(["<|channel|>commentary", KIND]) },
  ];
}
