import type { LanguageModelV3Content } from "@ai-sdk/provider";
import { keepData } from "../call/kept-data.ts";
import type { Outcome } from "./outcome.ts";
import { argumentsText } from "./to-facts.ts";

/** The parts of a whole answer. */
export function toContent({ reasoning, text, toolCalls, providerData }: Outcome): LanguageModelV3Content[] {
  const metadata = providerData === undefined ? {} : { providerMetadata: keepData(providerData) };
  const hasReasoning = reasoning !== "" || providerData !== undefined;
  return [
    ...(hasReasoning ? [{ type: "reasoning" as const, text: reasoning, ...metadata }] : []),
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
    ...toolCalls.map((call) => ({
      type: "tool-call" as const,
      toolCallId: call.id,
      toolName: call.name,
      input: argumentsText(call),
    })),
  ];
}
