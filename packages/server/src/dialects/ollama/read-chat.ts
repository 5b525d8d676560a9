import type { ContentPart, Message, Tool, ToolCall } from "abstractllm";
import {
  type Fields,
  HARMLESS,
  type JsonObject,
  listOf,
  nonEmptyText,
  object,
  oneOf,
  readFields,
  required,
  text,
} from "../../fields/index.ts";
import { base64Source } from "../media.ts";
import { setOptions } from "../set-options.ts";
import { flatName, nestedName, toToolChoice } from "../tool-choice.ts";
import { commonOptions, type OllamaCall, stayOf } from "./ollama-call.ts";
import { CHAT_FIELDS } from "./ollama-fields.ts";

/** Reads the body of `/api/chat`. @throws {RequestProblem} naming the field */
export function readChat(body: unknown): OllamaCall {
  const fields = readFields(body, CHAT_FIELDS);
  const { messages = [] } = fields;
  const tools = fields.tools?.map(readTool);
  return {
    model: fields.model,
    prompt: readMessages(messages),
    options: setOptions({
      ...withOutside(commonOptions(fields), fields),
      tools: tools?.length === 0 ? undefined : tools,
      toolChoice: tools?.length === 0 ? undefined : toToolChoice(fields.tool_choice, nameOfChoice),
    }),
    isStreamed: fields.stream !== false,
    isSingleCall: false,
    ...stayOf(messages.length > 0, fields.keep_alive),
    notes: [],
  };
}

/** Options that stand beside `options`; those within it go first. */
function withOutside(
  options: ReturnType<typeof commonOptions>,
  { temperature, top_p, max_output_tokens }: Fields<typeof CHAT_FIELDS>,
): ReturnType<typeof commonOptions> {
  return {
    ...options,
    temperature: options.temperature ?? temperature,
    topP: options.topP ?? top_p,
    maxTokens: options.maxTokens ?? max_output_tokens,
  };
}

/** The name in either form of OpenAI's, as Ollama has none of its own. */
const nameOfChoice = (choice: JsonObject): string =>
  choice.function === undefined ? flatName(choice) : nestedName(choice);

const MESSAGE_RULES = {
  role: required(oneOf("system", "user", "assistant", "tool")),
  content: text,
  thinking: text,
  images: listOf(text),
  tool_calls: listOf(object),
  tool_name: text,
  tool_call_id: text,
  name: text, // an older name of tool_name
} as const;

/** Ollama's calls had no ids for long: results then answer the calls of their name, in order. */
class OpenCalls {
  #calls: ToolCall[] = [];
  #count = 0;

  nextId(): string {
    return `call_${this.#count++}`;
  }

  open(calls: readonly ToolCall[]): void {
    this.#calls.push(...calls);
  }

  /** The call that a result answers. */
  take(id: string | undefined, name: string | undefined): Pick<ToolCall, "id"> & { name?: string } {
    const fits = (call: ToolCall) =>
      id === undefined ? name === undefined || call.name === name : call.id === id;
    const index = this.#calls.findIndex(fits);
    const [call] = index < 0 ? [] : this.#calls.splice(index, 1);
    return call ?? { id: id ?? this.nextId(), ...(name === undefined ? {} : { name }) };
  }
}

function readMessages(messages: readonly JsonObject[]): Message[] {
  const calls = new OpenCalls();
  return messages.map((message, index) => readMessage(message, `messages[${index}]`, calls));
}

function readMessage(message: JsonObject, path: string, calls: OpenCalls): Message {
  const { content = "", ...fields } = readFields(message, MESSAGE_RULES, path);
  switch (fields.role) {
    case "system":
      return { role: "system", content };
    case "user":
      return { role: "user", content: withImages(content, fields.images, path) };
    case "tool": {
      const { id, name } = calls.take(fields.tool_call_id, fields.tool_name ?? fields.name);
      return { role: "tool", content, toolCallId: id, ...(name === undefined ? {} : { name }) };
    }
    case "assistant": {
      const read = (call: JsonObject, at: number) => readCall(call, `${path}.tool_calls[${at}]`, calls);
      const toolCalls = (fields.tool_calls ?? []).map(read);
      calls.open(toolCalls);
      return {
        role: "assistant",
        content,
        ...(fields.thinking === undefined ? {} : { reasoning: fields.thinking }),
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
      };
    }
  }
}

const CALL_RULES = { id: text, type: HARMLESS, function: required(object) } as const;
const CALLED_RULES = { index: HARMLESS, name: required(nonEmptyText), arguments: required(object) } as const;

function readCall(call: JsonObject, path: string, calls: OpenCalls): ToolCall {
  const read = readFields(call, CALL_RULES, path);
  const { name, arguments: input } = readFields(read.function, CALLED_RULES, `${path}.function`);
  return { id: read.id || calls.nextId(), name, arguments: input };
}

/** A text with images before it, which is where Ollama has them. @throws {RequestProblem} */
export function withImages(
  content: string,
  images: readonly string[] | undefined,
  path: string,
): string | ContentPart[] {
  if (images === undefined || images.length === 0) return content;
  const parts = images.map((data, index): ContentPart => {
    return { type: "image", image: base64Source(data, "", `${path}.images[${index}]`) };
  });
  return [...parts, { type: "text", text: content }];
}

const TOOL_RULES = { type: required(oneOf("function")), function: required(object) } as const;
const FUNCTION_RULES = {
  name: required(nonEmptyText),
  description: text,
  parameters: object,
} as const;

function readTool(tool: JsonObject, index: number): Tool {
  const path = `tools[${index}]`;
  const given = readFields(tool, TOOL_RULES, path).function;
  const { name, description, parameters } = readFields(given, FUNCTION_RULES, `${path}.function`);
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  };
}
