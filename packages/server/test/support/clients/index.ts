import { anthropicMessages } from "./anthropic-messages.ts";
import { ollamaChat } from "./ollama-chat.ts";
import { openAIChat } from "./openai-chat.ts";
import { openAIResponses } from "./openai-responses.ts";

export type { Ask } from "./dialect-client.ts";

/** Every dialect in which models answer conversations. */
export const CLIENTS = [openAIChat, openAIResponses, anthropicMessages, ollamaChat];
