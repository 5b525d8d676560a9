export { buildResponsesPrompt, buildResponsesRequest, CHAT_ONLY_OPTIONS } from "./build-responses-request.ts";
export { createResponse } from "./create-response.ts";
