export type { ModelConfig, ModelSource } from "./models/index.ts";
export { createServer, ModelServer } from "./server/create-server.ts";
export type { RequestFailure, ServerOptions } from "./server/server-options.ts";
