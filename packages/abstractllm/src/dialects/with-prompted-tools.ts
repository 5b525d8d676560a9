import { type AssistantMessage, MessageRole, type ToolMessage } from "../interface/message.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import type { ToolChoice, ToolSpec } from "../interface/tool.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import { withInstructions } from "../prompt/with-instructions.ts";
import type { ProviderAnswer, ProviderCall } from "../providers/provider-call.ts";
import { choiceText, choiceWarnings } from "./tool-choice.ts";
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
    part.type === "text-delta" ? reader.push(part.text, part.logprobs) : emit(part),
  );
  reader.end(answer.finishReason === "length");
  const { text, toolCalls } = reader;
  const logprobs = answer.logprobs && { logprobs: reader.logprobs };
  const warnings = [...answer.warnings, ...choiceWarnings(call, { ...answer, toolCalls })];
  const read = { ...answer, text, ...logprobs, warnings };
  return toolCalls.length === 0 ? read : { ...read, toolCalls, finishReason: "tool-calls" };
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
  let results = ""; // of tools that follow each other, which make one message
  const addResults = () => {
    if (results !== "") written.push({ role: MessageRole.USER, content: results });
    results = "";
  };
  for (const message of messages) {
    if (message.role === MessageRole.TOOL) {
      results += `${results === "" ? "" : "\n"}${writeResult(message)}`;
    } else {
      addResults();
      written.push(message.role === MessageRole.ASSISTANT ? writeCalls(message) : message);
    }
  }
  addResults();
  return tools.length === 0 ? written : withInstructions(written, instructionsFor(tools, choice));
}

/** JSON in which no tag can end; a result is anybody's text. */
const writeJson = (value: object): string => JSON.stringify(value).replaceAll("</", "<\\/");

function writeResult({ name, content, isError }: ToolMessage): string {
  const result = { name, [isError === true ? "error" : "content"]: content };
  return `<tool_response>\n${writeJson(result)}\n</tool_response>`;
}

function writeCalls(message: AssistantMessage): AssistantMessage {
  const { content, toolCalls = [] } = message;
  if (toolCalls.length === 0) return message;
  const calls = toolCalls.map(
    ({ name, arguments: input }) => `<tool_call>\n${writeJson({ name, arguments: input })}\n</tool_call>`,
  );
  return {
    role: MessageRole.ASSISTANT,
    content: [content, ...calls].filter((text) => text !== "").join("\n"),
  };
}

function instructionsFor(tools: readonly ToolSpec[], choice: ToolChoice): string {
  const functions = tools.map(({ strict, ...about }) =>
    JSON.stringify({ type: "function", function: about }),
  );
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
