import { boolean, type Check, nonEmptyString, record, string } from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError, InvalidRequestError } from "../errors/index.ts";
import { type Message, MessageRole, type Prompt } from "../interface/message.ts";
import { isMediaSource } from "../media/is-media-source.ts";

const ROLES: readonly string[] = Object.values(MessageRole);

interface FieldSpec {
  readonly check: Check;
  readonly required?: true;
}

const content: Check = {
  expected: "string or array of text, image and file parts",
  accepts: (value) => typeof value === "string" || (Array.isArray(value) && value.every(isContentPart)),
  text: "none",
};

const toolCalls: Check = {
  expected: "array of { id, name, arguments }",
  accepts: (value) => Array.isArray(value) && value.every(isToolCall),
  text: "none",
};

const text: FieldSpec = { check: string, required: true };

/** What a message of each role has beside its role. */
const FIELDS: Readonly<Record<MessageRole, Readonly<Record<string, FieldSpec>>>> = {
  system: { content: text, name: { check: string } },
  user: { content: { check: content, required: true }, name: { check: string } },
  assistant: {
    content: text,
    reasoning: { check: string },
    toolCalls: { check: toolCalls },
    providerData: { check: record },
    name: { check: string },
  },
  tool: {
    content: text,
    toolCallId: { check: nonEmptyString, required: true },
    name: { check: string },
    isError: { check: boolean },
  },
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return record.accepts(value);
}

function isContentPart(part: unknown): boolean {
  if (!isRecord(part)) return false;
  if (part.type === "text") return typeof part.text === "string";
  return (
    (part.type === "image" && isMediaSource(part.image)) || (part.type === "file" && isMediaSource(part.file))
  );
}

function isToolCall(call: unknown): boolean {
  if (!isRecord(call)) return false;
  return nonEmptyString.accepts(call.id) && nonEmptyString.accepts(call.name) && isRecord(call.arguments);
}

/** What leads the conversation, and who set it. */
export interface SystemPrompt {
  /** Of the call, else of the configuration. */
  text: string | undefined;
  /** Set by the call itself, not only by the configuration. */
  fromCall: boolean;
}

/**
 * The conversation that a prompt stands for: a text is one user message, and the system prompt leads.
 *
 * A conversation with a system message of its own keeps it instead of the configured one.
 *
 * @throws {InvalidParameterError} for a prompt that is neither a string nor messages
 * @throws {InvalidRequestError} for an empty conversation, or two system prompts in one call
 */
export function toMessages(prompt: Prompt, system: SystemPrompt, provider: string): Message[] {
  const messages = checkPrompt(prompt, provider);
  const hasOwnSystem = messages.some((message) => message.role === MessageRole.SYSTEM);
  if (hasOwnSystem && system.fromCall && system.text !== undefined) {
    const message = "The messages have a system message and systemPrompt was given too; give one of them";
    throw new InvalidRequestError(message, { provider });
  }
  if (hasOwnSystem || system.text === undefined || system.text === "") return messages;
  return [{ role: MessageRole.SYSTEM, content: system.text }, ...messages];
}

function checkPrompt(prompt: Prompt, provider: string): Message[] {
  if (typeof prompt === "string") return [{ role: MessageRole.USER, content: prompt }];
  if (!Array.isArray(prompt)) {
    const text = `Expected string or array of messages for prompt but received ${describeValue(prompt)}`;
    throw new InvalidParameterError("prompt", undefined, text, { provider });
  }
  if (prompt.length === 0) throw new InvalidRequestError("The conversation has no messages", { provider });
  return prompt.map((message, index) => checkMessage(message, index, provider));
}

function checkMessage(message: unknown, index: number, provider: string): Message {
  const where = `prompt[${index}]`;
  const { role, ...fields } = isRecord(message) ? message : {};
  if (typeof role !== "string" || !Object.hasOwn(FIELDS, role)) {
    const known = ROLES.map((name) => `"${name}"`).join(", ");
    throw refuse(`${where}.role`, `one of ${known}`, describeValue(role), provider);
  }
  const specs = FIELDS[role as MessageRole];
  for (const [name, { check, required = false }] of Object.entries(specs)) {
    const value = fields[name];
    if (value === undefined ? required : !check.accepts(value)) {
      throw refuse(`${where}.${name}`, check.expected, shown(value), provider);
    }
  }
  const known = Object.keys(specs).filter((name) => fields[name] !== undefined);
  return Object.fromEntries([
    ["role", role],
    ...known.map((name) => [name, fields[name]]),
  ]) as unknown as Message;
}

const shown = (value: unknown): string => (value === undefined ? "undefined" : typeof value);

const refuse = (field: string, expected: string, received: string, provider: string): InvalidParameterError =>
  new InvalidParameterError(
    "prompt",
    undefined,
    `Expected ${expected} for ${field} but received ${received}`,
    {
      provider,
    },
  );
