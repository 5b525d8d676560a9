import { TemplateError } from "../errors.ts";
import { controlTokensOf, markControlTokens, readMarks, withoutMarks } from "./control-tokens.ts";
import { encodePieces } from "./encode-pieces.ts";
import type { TemplateLimits } from "./jinja/index.ts";
import { renderChatTemplate } from "./render-chat-template.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Options of `encodeConversation`. */
export interface ConversationOptions {
  /** Tool definitions in JSON-schema form; a template named `tool_use` is taken when there are some. */
  tools?: readonly unknown[];
  /** End with the opening of an assistant message. Default true. */
  addGenerationPrompt?: boolean;
  /** What else the template may read. `enable_thinking` is true by default for models with thinking tokens. */
  variables?: Readonly<Record<string, unknown>>;
  /** Used instead of the model's own template. */
  template?: string;
  /**
   * What a control token spelled in a message becomes. `text` (default) makes it ordinary text, so that a message
   * cannot end its turn or speak for another role; `control` makes it the control token, as mlx-lm does.
   */
  controlTokens?: "text" | "control";
  /** Puts token ids, or more text, into the rendered text: a list of both, in order. */
  place?: (rendered: string) => readonly (string | readonly number[])[];
  limits?: Partial<TemplateLimits>;
  /** The time for templates that write the date. Default: now. */
  now?: Date;
}

/** A conversation as the model reads it. */
export interface EncodedConversation {
  ids: number[];
  /** The rendered text. */
  text: string;
}

/**
 * Token ids of a conversation, through the model's chat template.
 *
 * Control tokens that the template itself writes as plain text, such as Mistral's early `[INST]`, cannot be told
 * from a message's own words and are not protected.
 *
 * @throws {TemplateError} when the model has no chat template, or the template fails
 */
export async function encodeConversation(
  tokenizer: Tokenizer,
  messages: readonly object[],
  options: ConversationOptions = {},
): Promise<EncodedConversation> {
  const { tools, limits, now, controlTokens = "text", addGenerationPrompt = true } = options;
  const template = options.template ?? chooseTemplate(tokenizer, tools);
  const control = controlTokens === "text" ? controlTokensOf(tokenizer, template) : undefined;
  const input = {
    messages:
      control === undefined ? messages : messages.map((message) => markControlTokens(message, control)),
    tools: control === undefined || tools === undefined ? tools : markControlTokens(tools, control),
    addGenerationPrompt,
    variables: { ...tokenizer.specialTokens, enable_thinking: hasThinking(tokenizer), ...options.variables },
    now,
  };
  const rendered = renderChatTemplate(template, dropUndefined(input), limits);
  const marked = control === undefined ? rendered : readMarks(rendered, template);
  const pieces = options.place?.(marked) ?? [marked];
  const ids = await encodePieces(tokenizer, pieces, { addSpecialTokens: false });
  return { ids, text: withoutMarks(marked) };
}

function chooseTemplate(tokenizer: Tokenizer, tools: readonly unknown[] | undefined): string {
  const { named, default: standard } = tokenizer.chatTemplates;
  const template = (tools === undefined ? undefined : named.get("tool_use")) ?? standard;
  if (template !== undefined) return template;
  const names = [...named.keys()].join(", ");
  throw new TemplateError(
    `The model has no chat template${names === "" ? "" : ` to use by default (it has ${names})`}. Send the prompt as ` +
      "one text with chatTemplate: false, or give a template.",
    { details: { problem: "missing" } },
  );
}

const THINKING = [
  ["<think>", "</think>"],
  ["<longcat_think>", "</longcat_think>"],
  ["<|think:start|>", "<|think:end|>"],
  ["<|channel>", "<channel|>"],
] as const;

/** @see mlx-lm 0.32.2 tokenizer_utils._infer_thinking */
function hasThinking(tokenizer: Tokenizer): boolean {
  return THINKING.some((pair) => pair.every((token) => tokenizer.tokenToId(token) !== undefined));
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out keys without a value, which optional properties do not take. */
function dropUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>;
}
