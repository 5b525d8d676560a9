import {
  type LanguageModelV3ToolResultOutput,
  type LanguageModelV3ToolResultPart,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import type { ContentPart, Message, ToolMessage } from "abstractllm";
import type { Warn } from "../call/warnings.ts";
import type { NewFilePart, ToolPart } from "./given-message.ts";
import { toFilePart } from "./to-file-part.ts";

type ContentOutput = Extract<LanguageModelV3ToolResultOutput, { type: "content" }>["value"][number];

/** What tools gave. Tool messages are text, so files follow them as a message of the user. */
export function toolMessages(parts: readonly ToolPart[], warn: Warn): Message[] {
  const messages: ToolMessage[] = [];
  const files: ContentPart[] = [];
  for (const part of parts) {
    if (part.type === "tool-approval-response") {
      const details = "No tool runs at the service; the response was left out.";
      warn({ type: "unsupported", feature: "tool-approval-response parts", details });
      continue;
    }
    const result = toMessage(part);
    messages.push(result.message);
    if (result.files.length === 0) continue;
    files.push({ type: "text", text: `What ${part.toolName} gave, besides its text:` }, ...result.files);
    const details = "Files in a tool's result follow it as a message of the user.";
    warn({ type: "compatibility", feature: "files in tool results", details });
  }
  return files.length === 0 ? messages : [...messages, { role: "user", content: files }];
}

function toMessage({ toolCallId, toolName: name, output }: LanguageModelV3ToolResultPart) {
  const { text, isError = false, files = [] } = readOutput(output);
  const message: ToolMessage = {
    role: "tool",
    toolCallId,
    name,
    content: text,
    ...(isError ? { isError } : {}),
  };
  return { message, files };
}

interface ReadOutput {
  readonly text: string;
  readonly isError?: boolean;
  readonly files?: readonly ContentPart[];
}

function readOutput(output: LanguageModelV3ToolResultOutput): ReadOutput {
  switch (output.type) {
    case "text":
      return { text: output.value };
    case "json":
      return { text: JSON.stringify(output.value) };
    case "error-text":
      return { text: output.value, isError: true };
    case "error-json":
      return { text: JSON.stringify(output.value), isError: true };
    case "execution-denied": {
      const because = output.reason === undefined ? "" : `: ${output.reason}`;
      return { text: `The call was refused${because}`, isError: true };
    }
    case "content": {
      const texts = output.value.flatMap((part) => (part.type === "text" ? [part.text] : []));
      const files = output.value.flatMap((part) => (part.type === "text" ? [] : [readFile(part)]));
      return { text: texts.join("\n"), files };
    }
  }
}

/** @throws {UnsupportedFunctionalityError} for files that lie at another service, and custom content */
function readFile(part: Exclude<ContentOutput, { type: "text" }> | NewFilePart): ContentPart {
  const { providerOptions } = part;
  switch (part.type) {
    case "file-data":
    case "image-data":
    case "file":
      return toFilePart(part);
    case "file-url":
      return toFilePart({ data: new URL(part.url), mediaType: part.mediaType, providerOptions });
    case "image-url":
      return toFilePart({ data: new URL(part.url), mediaType: "image/*", providerOptions });
    default:
      throw new UnsupportedFunctionalityError({ functionality: `${part.type} in the result of a tool` });
  }
}
