import type { GenerateRequest } from "../engine/types.ts";
import { TemplateError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

export type PromptRequest = Pick<GenerateRequest, "prompt" | "templateVariables" | "tools">;

/**
 * The token ids that a request's prompt becomes.
 *
 * @throws {TemplateError} when a conversation is given and the model has no chat template, or the template refuses it
 */
export const promptTokens = async (tokenizer: Tokenizer, { prompt }: PromptRequest): Promise<number[]> => {
  if (typeof prompt === "string") return tokenizer.encode(prompt);
  if (prompt.every((item) => typeof item === "number")) return [...prompt];
  throw new TemplateError("This model has no chat template: give the prompt as one string");
};
