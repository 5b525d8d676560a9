import type { AssistantMessage, ContentPart, Message, ToolCall, ToolMessage } from "abstractllm";
import {
  either,
  flag,
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
} from "../../fields/index.ts";
import { openData } from "../kept-data.ts";
import { base64Source, imageContent, mediaSource } from "../media.ts";

const MESSAGE_RULES = {
  role: required(oneOf("user", "assistant", "system")),
  content: required(either(text, listOf(object))),
} as const;

const BLOCK = { type: text, cache_control: HARMLESS } as const;
const TEXT_RULES = { ...BLOCK, text: required(text), citations: HARMLESS } as const;

/** The conversation of a messages request. @throws {RequestProblem} */
export function readMessages(
  system: string | readonly JsonObject[] | undefined,
  messages: readonly JsonObject[],
): Message[] {
  const lead = system === undefined ? "" : readTexts(system, "system");
  const names = new Map<string, string>(); // of tools, by the ids of their calls
  const said = messages.flatMap((message, index) => {
    const path = `messages[${index}]`;
    const { role, content } = readFields(message, MESSAGE_RULES, path);
    const where = `${path}.content`;
    if (role === "system") return [{ role, content: readTexts(content, where) }];
    return role === "user" ? readUser(content, where, names) : [readAssistant(content, where, names)];
  });
  return lead === "" ? said : [{ role: "system", content: lead }, ...said];
}

function readUser(
  content: string | readonly JsonObject[],
  path: string,
  names: ReadonlyMap<string, string>,
): Message[] {
  if (typeof content === "string") return [{ role: "user", content }];
  const results: ToolMessage[] = [];
  const parts: ContentPart[] = [];
  for (const [index, block] of content.entries()) {
    const at = `${path}[${index}]`;
    if (block.type === "tool_result") results.push(readResult(block, at, names));
    else parts.push(readPart(block, at));
  }
  return [...results, ...(parts.length === 0 ? [] : [{ role: "user", content: parts } as const])];
}

const RESULT_RULES = {
  ...BLOCK,
  tool_use_id: required(nonEmptyText),
  content: either(text, listOf(object)),
  is_error: flag,
} as const;

function readResult(block: JsonObject, path: string, names: ReadonlyMap<string, string>): ToolMessage {
  const { tool_use_id: id, content = "", is_error } = readFields(block, RESULT_RULES, path);
  const name = names.get(id);
  return {
    role: "tool",
    content: readTexts(content, `${path}.content`),
    toolCallId: id,
    ...(name === undefined ? {} : { name }),
    ...(is_error === true ? { isError: true } : {}),
  };
}

const PART_TYPES = oneOf("text", "image", "document");

function readPart(block: JsonObject, path: string): ContentPart {
  const type = readValue(block.type, PART_TYPES, `${path}.type`);
  if (type === "text") return { type: "text", text: readFields(block, TEXT_RULES, path).text };
  if (type === "image") {
    const { source } = readFields(block, { ...BLOCK, source: required(object) }, path);
    const at = `${path}.source`;
    if (source.type === "url") return imageContent(readUrl(source, at), undefined, `${at}.url`);
    return { type: "image", image: readBase64(source, at) };
  }
  const rules = { ...BLOCK, source: required(object), title: HARMLESS, context: text, citations: object };
  const { source, context, citations } = readFields(block, rules, path);
  if (citations !== undefined)
    readFields(citations, { enabled: refused("there are none") }, `${path}.citations`);
  const at = `${path}.source`;
  if (source.type === "text") {
    const { data } = readFields(source, { type: text, media_type: HARMLESS, data: required(text) }, at);
    return { type: "text", text: [context, data].filter(Boolean).join("\n\n") };
  }
  const file = source.type === "url" ? mediaSource(readUrl(source, at), `${at}.url`) : readBase64(source, at);
  return { type: "file", file };
}

const readUrl = (source: JsonObject, path: string): string =>
  readFields(source, { type: text, url: required(text) }, path).url;

function readBase64(source: JsonObject, path: string) {
  readValue(source.type, oneOf("base64", "url"), `${path}.type`);
  const rules = { type: text, media_type: required(text), data: required(text) };
  const { media_type, data } = readFields(source, rules, path);
  return base64Source(data, media_type, `${path}.data`);
}

const ASSISTANT_TYPES = oneOf("text", "thinking", "redacted_thinking", "tool_use");
const THINKING_RULES = { ...BLOCK, thinking: required(text), signature: HARMLESS } as const;
const CALL_RULES = {
  ...BLOCK,
  id: required(nonEmptyText),
  name: required(nonEmptyText),
  input: required(object),
  caller: HARMLESS,
} as const;

function readAssistant(
  content: string | readonly JsonObject[],
  path: string,
  names: Map<string, string>,
): AssistantMessage {
  if (typeof content === "string") return { role: "assistant", content };
  let said = "";
  let reasoning = "";
  let providerData: AssistantMessage["providerData"];
  const toolCalls: ToolCall[] = [];
  for (const [index, block] of content.entries()) {
    const at = `${path}[${index}]`;
    const type = readValue(block.type, ASSISTANT_TYPES, `${at}.type`);
    if (type === "text") said += readFields(block, TEXT_RULES, at).text;
    else if (type === "thinking") {
      reasoning += readFields(block, THINKING_RULES, at).thinking;
    } else if (type === "redacted_thinking") {
      // others' can be read by nobody but their service
      providerData = openData(readFields(block, { ...BLOCK, data: required(text) }, at).data) ?? providerData;
    } else {
      const { id, name, input } = readFields(block, CALL_RULES, at);
      names.set(id, name);
      toolCalls.push({ id, name, arguments: input });
    }
  }
  return {
    role: "assistant",
    content: said,
    ...(reasoning === "" ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(providerData === undefined ? {} : { providerData }),
  };
}

/** Blocks that can only be text. @throws {RequestProblem} */
function readTexts(content: string | readonly JsonObject[], path: string): string {
  if (typeof content === "string") return content;
  const texts = content.map((block, index) => {
    const at = `${path}[${index}]`;
    readValue(block.type, oneOf("text"), `${at}.type`);
    return readFields(block, TEXT_RULES, at).text;
  });
  return texts.join("\n\n");
}
