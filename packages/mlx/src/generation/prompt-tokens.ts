import type { GenerateRequest } from "../engine/types.ts";
import { encodeConversation, type Tokenizer } from "../tokenizer/index.ts";

export type PromptRequest = Pick<GenerateRequest, "prompt" | "templateVariables" | "tools">;

const isTokens = (prompt: readonly unknown[]): prompt is readonly number[] =>
  prompt.every((item) => typeof item === "number");

/**
 * The token ids that a request's prompt becomes: a conversation through the chat template, a text as it is with
 * the tokens its tokenizer adds around texts, ids untouched.
 *
 * @throws {TemplateError} when a conversation is given and the model has no chat template, or the template refuses it
 */
export const promptTokens = async (
  tokenizer: Tokenizer,
  { prompt, tools, templateVariables }: PromptRequest,
): Promise<number[]> => {
  if (typeof prompt === "string") return tokenizer.encode(prompt);
  if (isTokens(prompt)) return [...prompt];
  const { ids } = await encodeConversation(tokenizer, prompt, {
    ...(tools === undefined ? {} : { tools }),
    ...(templateVariables === undefined ? {} : { variables: templateVariables }),
  });
  return ids;
};
