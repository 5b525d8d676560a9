/** Prompts to answers. */
export { checkRequest } from "./check-request.ts";
export { generateText, type TextModel } from "./generate-text.ts";
export { type PromptRequest, promptTokens } from "./prompt-tokens.ts";
