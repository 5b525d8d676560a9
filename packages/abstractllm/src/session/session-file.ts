import { record } from "../config/checks.ts";
import type { Options } from "../config/option-table.ts";
import { FileProcessingError } from "../errors/index.ts";
import type { GenerationDefaults } from "../interface/generate-options.ts";
import { type Message, MessageRole } from "../interface/message.ts";
import type { ResolvedImage, ResolvedMessage } from "../media/index.ts";
import { toMessages } from "../prompt/to-messages.ts";

/** What `save` writes: JSON with these fields. */
export interface SessionData {
  readonly format: "abstractllm-session";
  readonly version: 1;
  readonly id: string;
  /** The user's own, as given. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Who answered last; their `providerData` is of use to no one else. */
  readonly provider: string;
  readonly model?: string;
  /** System prompt and defaults of calls; without what is no JSON: tools, schemas and functions. */
  readonly options: GenerationDefaults;
  /** The conversation, images as data URLs or http(s) addresses. */
  readonly messages: readonly Message[];
}

/** Options that are code; whoever loads a session gives them again. */
const CODE = ["tools", "approveToolCall", "schema", "signal"] as const;

/** Options as they are saved. */
export function savedOptions(options: Options): GenerationDefaults {
  const saved = { ...options };
  for (const name of CODE) delete saved[name];
  return saved;
}

/** A message as it is saved. */
export async function savedMessage(message: ResolvedMessage, signal: AbortSignal): Promise<Message> {
  if (message.role !== MessageRole.USER || typeof message.content === "string") return message as Message;
  const content = await Promise.all(
    message.content.map(async (part) => (part.type === "text" ? part : savedImage(part, signal))),
  );
  return { ...message, content };
}

async function savedImage({ image }: ResolvedImage, signal: AbortSignal) {
  const source = image.url ?? (await image.dataUrl(signal));
  return {
    type: "image",
    image: source,
    ...(image.detail === "auto" ? {} : { detail: image.detail }),
  } as const;
}

/**
 * Reads what `save` wrote.
 *
 * Images must be data or http(s) addresses: a path in a file from elsewhere would show the model a file of this machine
 * (CWE-73).
 *
 * @param name - of the file, for messages
 * @throws {FileProcessingError} when it is something else
 */
export function readSessionData(value: unknown, name: string): SessionData {
  const problem = problemOf(value);
  if (problem === undefined) return value as SessionData;
  throw new FileProcessingError(`Cannot load the session ${name}: ${problem}`, { filePath: name });
}

function problemOf(value: unknown): string | undefined {
  if (!record.accepts(value)) return "it is no JSON object";
  const { format, version, id, metadata, provider, options, messages } = value as Record<string, unknown>;
  if (format !== "abstractllm-session") return `its format is not "abstractllm-session"`;
  if (version !== 1) return `its version is ${JSON.stringify(version)}, and this release reads version 1`;
  if (typeof id !== "string" || typeof provider !== "string") return "its id or provider is no string";
  if (!record.accepts(metadata) || !record.accepts(options)) return "its metadata or options is no object";
  if (!Array.isArray(messages)) return "its messages are no array";
  return messages.length === 0 ? undefined : problemOfMessages(messages);
}

function problemOfMessages(messages: readonly Message[]): string | undefined {
  try {
    toMessages(messages, { text: undefined, fromCall: false }, "session");
  } catch (error) {
    return (error as Error).message;
  }
  return messages.every(isSelfContained) ? undefined : "an image in it is no data URL and no http(s) address";
}

function isSelfContained({ role, content }: Message): boolean {
  if (role !== MessageRole.USER || typeof content === "string") return true;
  return content.every(
    (part) =>
      part.type === "text" ||
      (part.type === "image" && typeof part.image === "string" && /^(data:image\/|https?:)/.test(part.image)),
  );
}
