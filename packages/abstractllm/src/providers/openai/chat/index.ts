export { buildChatRequest, type ChatDialect } from "./build-chat-request.ts";
export { completeChat } from "./complete-chat.ts";
