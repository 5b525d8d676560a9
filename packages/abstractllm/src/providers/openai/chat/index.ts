export { buildChatRequest, type ChatDialect, pickFields } from "./build-chat-request.ts";
export { completeChat } from "./complete-chat.ts";
