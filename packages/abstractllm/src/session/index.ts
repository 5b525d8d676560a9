export { createSession } from "./create-session.ts";
export { Session } from "./session.ts";
export type { SessionData } from "./session-file.ts";
export { SessionManager } from "./session-manager.ts";
export type { SessionOptions } from "./session-options.ts";
