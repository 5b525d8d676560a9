export { AnswerWriter } from "./answer-writer.ts";
export { buildService } from "./build-service.ts";
export type { HttpResponse } from "./http-client.ts";
export { asArray, asCount, asRecord, asText, type JsonRecord } from "./json-value.ts";
export { pickFields } from "./pick-fields.ts";
export { RemoteClient, type RemoteService } from "./remote-client.ts";
export { REMOTE_OPTIONS, RemoteProvider } from "./remote-provider.ts";
export { type ServerHints, ServerProvider } from "./server-provider.ts";
export { ToolFallback } from "./tool-fallback.ts";
