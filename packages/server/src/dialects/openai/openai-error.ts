import { type ProblemKind, type RequestProblem, STATUS_OF } from "../../http/request-problem.ts";
import type { WriteError } from "../dialect.ts";

const TYPES: Readonly<Partial<Record<ProblemKind, string>>> = {
  authentication: "authentication_error",
  permission: "permission_error",
  "rate-limit": "rate_limit_error",
  overloaded: "service_unavailable_error",
  upstream: "server_error",
  timeout: "server_error",
  server: "server_error",
};

const CODES: Readonly<Partial<Record<ProblemKind, string>>> = {
  authentication: "invalid_api_key",
  "not-found": "model_not_found",
  "context-length": "context_length_exceeded",
  "rate-limit": "rate_limit_exceeded",
};

/** An error's own object. */
export function openAIErrorObject({ kind, message, param, code }: RequestProblem) {
  const isOfAddress = kind === "not-found" && param === undefined; // rather than of a model
  return {
    message,
    type: TYPES[kind] ?? "invalid_request_error",
    param: param ?? null,
    code: code ?? (isOfAddress ? undefined : CODES[kind]) ?? null,
  };
}

/** An error as OpenAI writes it. */
export const writeOpenAIError: WriteError = (problem) => ({
  status: STATUS_OF[problem.kind],
  body: { error: openAIErrorObject(problem) },
});
