import { type ProblemKind, STATUS_OF } from "../../http/request-problem.ts";
import type { WriteError } from "../dialect.ts";

const TYPES: Readonly<Record<ProblemKind, string>> = {
  invalid: "invalid_request_error",
  "context-length": "invalid_request_error",
  authentication: "authentication_error",
  permission: "permission_error",
  "not-found": "not_found_error",
  method: "invalid_request_error",
  timeout: "timeout_error",
  "too-large": "request_too_large",
  "media-type": "invalid_request_error",
  "rate-limit": "rate_limit_error",
  overloaded: "overloaded_error",
  upstream: "api_error",
  server: "api_error",
};

/** An error as Anthropic writes it. */
export const writeAnthropicError: WriteError = ({ kind, message }, request_id) => ({
  status: kind === "overloaded" ? 529 : STATUS_OF[kind],
  body: { type: "error", error: { type: TYPES[kind], message }, request_id },
});
