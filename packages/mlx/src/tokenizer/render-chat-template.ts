import { renderTemplate, type TemplateLimits } from "./jinja/index.ts";
import { isRecord } from "./json-file.ts";

/** What a chat template renders. */
export interface ChatTemplateInput {
  /** `role`, `content` and what else the template reads; keys that are null count as missing. */
  messages: readonly object[];
  /** Tool definitions in JSON-schema form. */
  tools?: readonly unknown[];
  /** End with the opening of an assistant message. Default false. */
  addGenerationPrompt?: boolean;
  /** Everything else the template may read: `bos_token`, `enable_thinking`, `documents`. */
  variables?: Readonly<Record<string, unknown>>;
  /** The time for `strftime_now`. Default: now. */
  now?: Date;
}

/** Names a message's reasoning goes by; the first is the one templates read. */
const REASONING_NAMES = ["reasoning_content", "thinking", "reasoning"];

/**
 * Renders a chat template byte for byte as transformers' `apply_chat_template` does.
 *
 * @param limits - bounds on the template's size, output, steps, depth and time; see `TemplateLimits`
 * @throws {TemplateError} when the template is not valid, fails, refuses the conversation (its own message) or runs
 *   over a limit
 * @see transformers 5.23 utils/chat_template_utils.py
 */
export function renderChatTemplate(
  template: string,
  input: ChatTemplateInput,
  limits: Partial<TemplateLimits> = {},
): string {
  const { now } = input;
  const variables = {
    documents: null,
    ...input.variables,
    messages: input.messages.map(normalizeMessage),
    tools: input.tools ?? null,
    add_generation_prompt: input.addGenerationPrompt ?? false,
  };
  return renderTemplate(template, variables, limits, now === undefined ? undefined : () => now);
}

/** Drops null keys, which APIs send for "nothing", and gives reasoning every name templates read. */
function normalizeMessage(message: object): Record<string, unknown> {
  const entries = Object.entries(message).filter(([, value]) => value !== null && value !== undefined);
  const present: Record<string, unknown> = Object.fromEntries(entries);
  const name = REASONING_NAMES.find((key) => Object.hasOwn(present, key));
  if (name === undefined || !isRecord(present)) return present;
  const reasoning = present[name];
  return { thinking: reasoning, ...present, reasoning_content: reasoning };
}
