import { type Message, MessageRole } from "../interface/message.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import type { ToolChoice, ToolSpec } from "../interface/tool.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import { textOf } from "../prompt/text-of.ts";
import { withInstructions } from "../prompt/with-instructions.ts";
import type { ProviderAnswer, ProviderCall } from "../providers/provider-call.ts";
import { usedCallIds } from "./used-call-ids.ts";

/** Asks a model that knows no tools. */
type Ask = (call: ProviderCall, emit: (part: DeltaPart) => void) => Promise<ProviderAnswer>;

/**
 * Gives tools to a model that its provider cannot give them to: the instructions describe them, calls and results are
 * written into the messages, and the answer is read for calls.
 *
 * @param ask - gets a call without tools
 */
export async function withPromptedTools(
  call: ProviderCall,
  emit: (part: DeltaPart) => void,
  ask: Ask,
): Promise<ProviderAnswer> {
  const tools = call.toolChoice === "none" ? [] : call.tools;
  if (tools.length === 0) return ask(promptTools(call), emit);
  const { createAnswerReader } = await import("./answer-reader.ts"); // the core does not load every dialect
  const usedIds = usedCallIds(call.messages);
  const reader = createAnswerReader({ dialect: "prompted_json", tools, usedIds, emit });
  const answer = await ask(promptTools(call), (part) =>
    part.type === "text-delta" ? reader.push(part.text) : emit(part),
  );
  reader.end(answer.finishReason === "length");
  const { text, toolCalls } = reader;
  if (toolCalls.length === 0) return { ...answer, text };
  return { ...answer, text, toolCalls, finishReason: "tool-calls" };
}

/** The same call for a model that knows only text: without tools, which its messages describe instead. */
export function promptTools(call: ProviderCall): ProviderCall {
  const tools = call.toolChoice === "none" ? [] : call.tools;
  return {
    ...call,
    tools: [],
    toolChoice: "auto",
    messages: writeTools(call.messages, tools, call.toolChoice),
  };
}

/** The conversation as a model reads it that knows only text. */
function writeTools(
  messages: readonly ResolvedMessage[],
  tools: readonly ToolSpec[],
  choice: ToolChoice,
): ResolvedMessage[] {
  const written: ResolvedMessage[] = [];
  for (const message of messages) {
    const last = written.at(-1);
    const text = writeMessage(message);
    if (message.role === MessageRole.TOOL && last?.role === MessageRole.USER && isResponse(last)) {
      written[written.length - 1] = { role: MessageRole.USER, content: `${textOf(last)}\n${text}` };
    } else {
      written.push(text === undefined ? message : asText(message, text));
    }
  }
  return tools.length === 0 ? written : withInstructions(written, instructionsFor(tools, choice));
}

const RESPONSE = "<tool_response>";

const isResponse = (message: Message): boolean => textOf(message).startsWith(RESPONSE);

const asText = (message: ResolvedMessage, content: string): ResolvedMessage => ({
  role: message.role === MessageRole.TOOL ? MessageRole.USER : MessageRole.ASSISTANT,
  content,
});

/** The text of a message that holds calls or a result; undefined for every other. */
function writeMessage(message: Message): string | undefined {
  if (message.role === MessageRole.TOOL) {
    const { name, content, isError } = message;
    return `${RESPONSE}\n${JSON.stringify({ name, [isError === true ? "error" : "content"]: content })}\n</tool_response>`;
  }
  if (message.role !== MessageRole.ASSISTANT || (message.toolCalls ?? []).length === 0) return undefined;
  return [message.content, ...(message.toolCalls ?? []).map(writeCall)]
    .filter((text) => text !== "")
    .join("\n");
}

const writeCall = ({ name, arguments: input }: ToolCall): string =>
  `<tool_call>\n${JSON.stringify({ name, arguments: input })}\n</tool_call>`;

function instructionsFor(tools: readonly ToolSpec[], choice: ToolChoice): string {
  const functions = tools.map((spec) => JSON.stringify({ type: "function", function: spec }));
  return `You may call functions to help with the user's request. The functions, as JSON Schema, are:
<tools>
${functions.join("\n")}
</tools>
To call a function, write a JSON object with its name and arguments within tool_call tags, and nothing after it:
<tool_call>
{"name": <function-name>, "arguments": <arguments-object>}
</tool_call>
Its result then comes within tool_response tags. ${choiceText(choice)}`.trimEnd();
}

/** What a choice adds to the instructions. */
export function choiceText(choice: ToolChoice): string {
  if (choice === "required") return "Call at least one function now.";
  return typeof choice === "object" ? `Call the function ${choice.name} now.` : "";
}
