import type { AssistantMessage, ContentPart, Message, ToolCall } from "abstractllm";
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
import { openData } from "../../kept-data.ts";
import { imageContent, mediaSource } from "../../media.ts";
import { readArguments } from "../function-tools.ts";

const content = required(either(text, listOf(object)));

/** A model's answer is several items here, and one message there. */
type Turn = { -readonly [Name in keyof AssistantMessage]: AssistantMessage[Name] };

/**
 * The conversation of a responses request.
 *
 * @param earlier - items of the conversation that it goes on with
 * @throws {RequestProblem}
 */
export function readInput(
  instructions: string | undefined,
  earlier: readonly JsonObject[],
  input: readonly JsonObject[],
): Message[] {
  const lead: Message[] = instructions === undefined ? [] : [{ role: "system", content: instructions }];
  const reader = new InputReader();
  reader.read(earlier, "previous_response_id");
  reader.read(input, "input");
  return [...lead, ...reader.messages];
}

class InputReader {
  readonly messages: Message[] = [];
  /** Of tools, by the ids of their calls. */
  readonly #names = new Map<string, string>();

  /** @param param - where the items are, for messages */
  read(items: readonly JsonObject[], param: string): void {
    for (const [index, item] of items.entries()) this.#item(item, `${param}[${index}]`);
  }

  #item(item: JsonObject, path: string): void {
    const types = oneOf("message", "function_call", "function_call_output", "reasoning");
    const type = readValue(item.type ?? "message", types, `${path}.type`);
    if (type === "message") this.#message(item, path);
    else if (type === "function_call") this.#call(item, path);
    else if (type === "function_call_output") this.#output(item, path);
    else this.#reasoning(item, path);
  }

  #message(item: JsonObject, path: string): void {
    const rules = {
      type: text,
      role: required(oneOf("user", "assistant", "system", "developer")),
      content,
      id: HARMLESS,
      status: HARMLESS,
      phase: HARMLESS,
    };
    const { role, content: said } = readFields(item, rules, path);
    if (role === "assistant") this.#turn().content += joinedText(said, path);
    else if (role === "user") this.messages.push({ role, content: readContent(said, path) });
    else this.messages.push({ role: "system", content: joinedText(said, path) });
  }

  #call(item: JsonObject, path: string): void {
    const rules = {
      type: text,
      call_id: required(nonEmptyText),
      name: required(nonEmptyText),
      arguments: required(text),
      id: HARMLESS,
      status: text,
      namespace: HARMLESS,
      caller: HARMLESS,
    };
    const { call_id: id, name, arguments: json, status } = readFields(item, rules, path);
    if (status === "incomplete") return; // it was cut off, and never made
    this.#names.set(id, name);
    const call: ToolCall = { id, name, ...readArguments(json, `${path}.arguments`) };
    const turn = this.#turn();
    turn.toolCalls = [...(turn.toolCalls ?? []), call];
  }

  #output(item: JsonObject, path: string): void {
    const rules = {
      type: text,
      call_id: required(nonEmptyText),
      output: content,
      id: HARMLESS,
      status: HARMLESS,
      caller: HARMLESS,
    };
    const { call_id: id, output } = readFields(item, rules, path);
    const name = this.#names.get(id);
    this.messages.push({
      role: "tool",
      content: joinedText(output, path),
      toolCallId: id,
      ...(name === undefined ? {} : { name }),
    });
  }

  #reasoning(item: JsonObject, path: string): void {
    const rules = {
      type: text,
      summary: listOf(object),
      content: listOf(object),
      encrypted_content: text,
      id: HARMLESS,
      status: HARMLESS,
    };
    const { summary = [], content: thoughts = [], encrypted_content } = readFields(item, rules, path);
    const parts = (thoughts.length > 0 ? thoughts : summary).map((part, index) =>
      readFields(part, { type: text, text: required(text) }, `${path}.content[${index}]`),
    );
    const turn = this.#turn();
    const reasoning = (turn.reasoning ?? "") + parts.map((part) => part.text).join("");
    if (reasoning !== "") turn.reasoning = reasoning;
    const providerData = openData(encrypted_content);
    if (providerData !== undefined) turn.providerData = providerData;
  }

  /** The model's message that items belong to. */
  #turn(): Turn {
    const last = this.messages.at(-1);
    if (last?.role === "assistant") return last;
    const turn: AssistantMessage = { role: "assistant", content: "" };
    this.messages.push(turn);
    return turn;
  }
}

function readContent(said: string | readonly JsonObject[], path: string): string | ContentPart[] {
  if (typeof said === "string") return said;
  return said.map((part, index) => readPart(part, `${path}.content[${index}]`));
}

const PART_TYPES = oneOf("input_text", "output_text", "refusal", "input_image", "input_file", "text");
const NO_FILE_ID = refused("files are not stored; send their data");

function readPart(part: JsonObject, path: string): ContentPart {
  switch (readValue(part.type, PART_TYPES, `${path}.type`)) {
    case "refusal":
      return { type: "text", text: readFields(part, { type: text, refusal: required(text) }, path).refusal };
    case "input_image": {
      const rules = { type: text, image_url: required(text), detail: text, file_id: NO_FILE_ID };
      const { image_url, detail } = readFields(part, rules, path);
      return imageContent(image_url, detail, `${path}.image_url`);
    }
    case "input_file": {
      const rules = {
        type: text,
        file_data: text,
        file_url: text,
        filename: HARMLESS,
        file_id: NO_FILE_ID,
        detail: HARMLESS,
      };
      const { file_data, file_url } = readFields(part, rules, path);
      const source = readValue(file_data ?? file_url, text, `${path}.file_data`);
      return { type: "file", file: mediaSource(source, `${path}.file_data`) };
    }
    default: {
      const rules = { type: text, text: required(text), annotations: HARMLESS, logprobs: HARMLESS };
      return { type: "text", text: readFields(part, rules, path).text };
    }
  }
}

/** Content that can only be text. @throws {RequestProblem} */
function joinedText(said: string | readonly JsonObject[], path: string): string {
  if (typeof said === "string") return said;
  const texts = said.map((part, index) => {
    const at = `${path}.content[${index}]`;
    readValue(part.type, oneOf("input_text", "output_text", "refusal", "text"), `${at}.type`);
    return readPart(part, at);
  });
  return texts.map((part) => (part.type === "text" ? part.text : "")).join("");
}
