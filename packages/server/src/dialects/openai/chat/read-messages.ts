import type { ContentPart, Message, ToolCall } from "abstractllm";
import {
  either,
  HARMLESS,
  type JsonObject,
  listOf,
  nonEmptyText,
  object,
  oneOf,
  readFields,
  readValue,
  refused,
  required,
  text,
} from "../../../fields/index.ts";
import { imageContent, mediaSource } from "../../media.ts";
import { readArguments } from "../function-tools.ts";

const content = either(text, listOf(object));
const role = required(oneOf("system", "developer", "user", "assistant", "tool"));

const PLAIN_RULES = { role, content: required(content), name: text } as const;
const TOOL_RULES = {
  role,
  content: required(content),
  tool_call_id: required(nonEmptyText),
  name: text,
} as const;
const ASSISTANT_RULES = {
  role,
  content,
  name: text,
  tool_calls: listOf(object),
  reasoning_content: text,
  reasoning: text, // what newer vLLM calls it
  refusal: text,
  annotations: HARMLESS,
  function_call: refused("use tool_calls"),
  audio: refused("messages are text"),
} as const;

/** The conversation of a chat request. @throws {RequestProblem} */
export function readMessages(messages: readonly JsonObject[]): Message[] {
  const names = new Map<string, string>(); // of tools, by the ids of their calls
  return messages.map((message, index) => readMessage(message, `messages[${index}]`, names));
}

function readMessage(message: JsonObject, path: string, names: Map<string, string>): Message {
  switch (readValue(message.role, role, `${path}.role`)) {
    case "system":
    case "developer": {
      const read = readFields(message, PLAIN_RULES, path);
      return { role: "system", content: joinedText(read.content, path), ...nameOf(read) };
    }
    case "user": {
      const read = readFields(message, PLAIN_RULES, path);
      return { role: "user", content: readContent(read.content, path), ...nameOf(read) };
    }
    case "tool": {
      const { content, tool_call_id } = readFields(message, TOOL_RULES, path);
      const said = joinedText(content, path);
      return {
        role: "tool",
        content: said,
        toolCallId: tool_call_id,
        ...nameOf({ name: names.get(tool_call_id) }),
      };
    }
    case "assistant":
      return readAssistant(message, path, names);
  }
}

function readAssistant(message: JsonObject, path: string, names: Map<string, string>): Message {
  const read = readFields(message, ASSISTANT_RULES, path);
  const calls = (read.tool_calls ?? []).map((call, at) => readCall(call, `${path}.tool_calls[${at}]`));
  for (const { id, name } of calls) names.set(id, name);
  const reasoning = read.reasoning_content ?? read.reasoning;
  return {
    role: "assistant",
    content: read.content === undefined ? (read.refusal ?? "") : joinedText(read.content, path),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
    ...nameOf(read),
  };
}

const CALL_RULES = {
  id: required(nonEmptyText),
  type: oneOf("function"),
  index: HARMLESS,
  function: required(object),
} as const;

function readCall(call: JsonObject, path: string): ToolCall {
  const read = readFields(call, CALL_RULES, path);
  const rules = { name: required(nonEmptyText), arguments: required(text) };
  const { name, arguments: json } = readFields(read.function, rules, `${path}.function`);
  return { id: read.id, name, ...readArguments(json, `${path}.function.arguments`) };
}

function readContent(content: string | readonly JsonObject[], path: string): string | ContentPart[] {
  if (typeof content === "string") return content;
  return content.map((part, index) => readPart(part, `${path}.content[${index}]`));
}

const PART_TYPES = required(oneOf("text", "image_url", "file", "refusal"));

function readPart(part: JsonObject, path: string): ContentPart {
  switch (readValue(part.type, PART_TYPES, `${path}.type`)) {
    case "text":
      return {
        type: "text",
        text: readFields(part, { type: text, text: required(text), cache_control: HARMLESS }, path).text,
      };
    case "refusal":
      return { type: "text", text: readFields(part, { type: text, refusal: required(text) }, path).refusal };
    case "image_url": {
      const read = readFields(part, { type: text, image_url: required(either(text, object)) }, path);
      if (typeof read.image_url === "string") return imageContent(read.image_url, undefined, path);
      const rules = { url: required(text), detail: text };
      const { url, detail } = readFields(read.image_url, rules, `${path}.image_url`);
      return imageContent(url, detail, `${path}.image_url.url`);
    }
    case "file": {
      const read = readFields(part, { type: text, file: required(object) }, path);
      const rules = {
        file_data: required(text),
        filename: HARMLESS,
        file_id: refused("files are not stored; send file_data"),
      };
      const { file_data } = readFields(read.file, rules, `${path}.file`);
      return { type: "file", file: mediaSource(file_data, `${path}.file.file_data`) };
    }
  }
}

/** Content that can only be text. @throws {RequestProblem} */
function joinedText(content: string | readonly JsonObject[], path: string): string {
  if (typeof content === "string") return content;
  const parts = content.map((part, index) => {
    const at = `${path}.content[${index}]`;
    readValue(part.type, oneOf("text", "refusal"), `${at}.type`);
    return readPart(part, at);
  });
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

const nameOf = ({ name }: { readonly name?: string | undefined }) => (name === undefined ? {} : { name });
