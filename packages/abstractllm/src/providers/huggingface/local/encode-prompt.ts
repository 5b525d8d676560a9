import type { Message } from "../../../interface/message.ts";
import { plainText } from "../../../prompt/plain-text.ts";
import { textOf } from "../../../prompt/text-of.ts";
import type { GenerateOptions, Tokenizer } from "./transformers-js.ts";

/** A prompt as tokens, and how many these are. */
export interface EncodedPrompt extends Pick<GenerateOptions, "input_ids" | "attention_mask"> {
  readonly length: number;
  readonly warnings: readonly string[];
}

/** A conversation as the model's chat template writes it, or as plain text where there is none. */
export function encodePrompt(tokenizer: Tokenizer, messages: readonly Message[]): EncodedPrompt {
  const hasTemplate = Boolean(tokenizer.chat_template);
  const text = hasTemplate
    ? tokenizer.apply_chat_template(
        messages.map((message) => ({ role: message.role, content: textOf(message) })),
        { tokenize: false, add_generation_prompt: true },
      )
    : plainText(messages);
  // a template writes special tokens itself
  const { input_ids, attention_mask } = tokenizer(text, { add_special_tokens: !hasTemplate });
  const warnings = hasTemplate ? [] : ["The model has no chat template; the prompt was sent as plain text"];
  return { input_ids, attention_mask, length: input_ids.dims.at(-1) ?? 0, warnings };
}
