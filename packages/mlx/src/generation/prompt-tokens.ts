import type { GenerateRequest } from "../engine/types.ts";
import { InvalidArgumentError } from "../errors.ts";
import { encodeConversation, type Tokenizer } from "../tokenizer/index.ts";

export type PromptRequest = Pick<GenerateRequest, "prompt" | "templateVariables" | "tools">;

const isTokens = (prompt: readonly unknown[]): prompt is readonly number[] =>
  prompt.every((item) => typeof item === "number");

const checkPrompt = (prompt: unknown): void => {
  if (typeof prompt === "string") return;
  const items: readonly unknown[] | undefined = Array.isArray(prompt) ? prompt : undefined;
  const isMessage = (item: unknown): boolean => typeof item === "object" && item !== null;
  if (items !== undefined && (isTokens(items) || items.every(isMessage))) return;
  const other = prompt === null ? "null" : typeof prompt;
  throw new InvalidArgumentError(
    "Expected a text, a list of messages or a list of token ids for prompt but received " +
      (items === undefined ? other : "a list of other things"),
  );
};

/**
 * The token ids that a request's prompt becomes: a conversation through the chat template, a text as it is with
 * the tokens its tokenizer adds around texts, ids untouched.
 *
 * @throws {InvalidArgumentError} when the prompt is neither
 * @throws {TemplateError} when a conversation is given and the model has no chat template, or the template refuses it
 */
export const promptTokens = async (
  tokenizer: Tokenizer,
  { prompt, tools, templateVariables }: PromptRequest,
): Promise<number[]> => {
  checkPrompt(prompt);
  if (typeof prompt === "string") return tokenizer.encode(prompt);
  if (isTokens(prompt)) return [...prompt];
  const { ids } = await encodeConversation(tokenizer, prompt, {
    ...(tools === undefined ? {} : { tools }),
    ...(templateVariables === undefined ? {} : { variables: templateVariables }),
  });
  return ids;
};
