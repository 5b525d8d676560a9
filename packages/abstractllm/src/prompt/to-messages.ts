import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError, InvalidRequestError } from "../errors/index.ts";
import { type Message, MessageRole, type Prompt } from "../interface/message.ts";

const ROLES: readonly string[] = Object.values(MessageRole);

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
  const { role, content, name } = (message ?? {}) as Partial<Record<keyof Message, unknown>>;
  const refuse = (field: string, expected: string, shown: string): never => {
    const text = `Expected ${expected} for prompt[${index}].${field} but received ${shown}`;
    throw new InvalidParameterError("prompt", undefined, text, { provider });
  };
  if (typeof role !== "string" || !ROLES.includes(role)) {
    return refuse("role", `one of ${ROLES.map((known) => `"${known}"`).join(", ")}`, describeValue(role));
  }
  if (typeof content !== "string") return refuse("content", "string", typeof content);
  if (name !== undefined && typeof name !== "string") return refuse("name", "string", typeof name);
  return { role: role as MessageRole, content, ...(name === undefined ? {} : { name }) };
}
