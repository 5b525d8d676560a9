import { readFile, rename, writeFile } from "node:fs/promises";
import { type Message, MessageRole } from "../../interface/message.ts";

/** What `/save` writes: JSON with these fields. */
export interface ChatFile {
  readonly format: "abstractllm-chat";
  readonly version: 1;
  readonly model?: string;
  readonly systemPrompt?: string;
  readonly messages: readonly Message[];
}

/** Writes a conversation, whole or not at all. */
export async function saveChat(path: string, chat: Omit<ChatFile, "format" | "version">): Promise<void> {
  const file: ChatFile = { format: "abstractllm-chat", version: 1, ...chat };
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

/** @throws {Error} when the file cannot be read or holds no conversation */
export async function loadChat(path: string): Promise<ChatFile> {
  const text = await readFile(path, "utf8");
  const chat = parse(text);
  if (chat?.format !== "abstractllm-chat" || chat.version !== 1 || !isMessages(chat.messages)) {
    throw new Error(`${path} is not a conversation that /save wrote`);
  }
  return chat as ChatFile;
}

function parse(text: string): Partial<Record<keyof ChatFile, unknown>> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isMessages(value: unknown): value is Message[] {
  const roles: readonly string[] = Object.values(MessageRole);
  return (
    Array.isArray(value) &&
    value.every((message) => roles.includes(message?.role) && typeof message.content === "string")
  );
}
