import type { Call } from "../answer/index.ts";
import type { Operation, WriteError } from "../dialects/dialect.ts";
import { chatOperation } from "../dialects/openai/chat/index.ts";
import { writeOpenAIError } from "../dialects/openai/openai-error.ts";
import { answerCall } from "./answer-call.ts";
import type { Route } from "./route.ts";

/** A route whose requests a model answers. */
function operationAt<C extends Call>(path: string, operation: Operation<C>, writeError: WriteError): Route {
  return {
    method: "POST",
    path,
    writeError,
    handle: (exchange, services) => answerCall(operation, exchange, services),
  };
}

/** Every address of a server. */
export const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/health",
    writeError: writeOpenAIError,
    isPublic: true,
    handle: async (exchange) => exchange.sendJson({ status: "ok" }),
  },
  {
    method: "GET",
    path: "/metrics",
    writeError: writeOpenAIError,
    handle: async (exchange, { metrics }) =>
      exchange.sendText(metrics.text(), "text/plain; version=0.0.4; charset=utf-8"),
  },
  operationAt("/v1/chat/completions", chatOperation, writeOpenAIError),
];
