/** Prompts to answers. */
export { generateText, type TextModel } from "./generate-text.ts";
export { promptTokens } from "./prompt-tokens.ts";
