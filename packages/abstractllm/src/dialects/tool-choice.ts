import type { ToolChoice, ToolSpec } from "../interface/tool.ts";
import type { ProviderAnswer, ProviderCall } from "../providers/provider-call.ts";

/** The tools that a choice leaves: all, none or one. */
export function chosenTools({ tools, toolChoice }: ProviderCall): readonly ToolSpec[] {
  if (toolChoice === "none") return [];
  return typeof toolChoice === "object" ? tools.filter(({ name }) => name === toolChoice.name) : tools;
}

/** What a choice adds to the instructions, where nothing else makes a model call. */
export function choiceText(choice: ToolChoice): string {
  if (choice === "required") return "Call at least one function now.";
  return typeof choice === "object" ? `Call the function ${choice.name} now.` : "";
}

/** What a model did not do although it was told to. */
export function choiceWarnings(
  { toolChoice }: ProviderCall,
  { toolCalls, finishReason }: Pick<ProviderAnswer, "toolCalls" | "finishReason">,
): string[] {
  if (choiceText(toolChoice) === "" || toolCalls.length > 0) return [];
  const hint = finishReason === "length" ? ": its answer was cut off; raise maxTokens" : "";
  return [`The model called no tool although toolChoice asked it to${hint}`];
}
