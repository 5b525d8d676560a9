import type { Call } from "../answer/index.ts";
import { messagesOperation } from "../dialects/anthropic/index.ts";
import type { Operation } from "../dialects/dialect.ts";
import { generateOperation, chatOperation as ollamaChat } from "../dialects/ollama/index.ts";
import { chatOperation } from "../dialects/openai/chat/index.ts";
import { completionsOperation } from "../dialects/openai/completions.ts";
import { responsesOperation } from "../dialects/openai/responses/index.ts";
import { answerCall } from "./answer-call.ts";
import { pullModel, refuseChange, removeModel } from "./change-models.ts";
import { countTokens } from "./count-tokens.ts";
import { embedForOllama, embedForOpenAI, embedOneForOllama } from "./embed-texts.ts";
import { listModels, listRunning, listTags, showModel, tellModel } from "./list-models.ts";
import { rerank } from "./rerank.ts";
import type { Route } from "./route.ts";
import { cancelResponse, listInputItems, removeResponse, tellResponse } from "./stored-responses.ts";

const remove = (path: string, handle: Route["handle"]): Route => ({ method: "DELETE", path, handle });
const get = (path: string, handle: Route["handle"]): Route => ({ method: "GET", path, handle });
const post = (path: string, handle: Route["handle"]): Route => ({ method: "POST", path, handle });

/** A route whose requests a model answers. */
function operationAt<C extends Call>(path: string, operation: Operation<C>): Route {
  return post(path, (exchange, services) => answerCall(operation, exchange, services));
}

/** What a browser or a probe gets. */
const own: readonly Route[] = [
  {
    ...get("/health", async (exchange) => exchange.sendJson({ status: "ok" })),
    isPublic: true,
  },
  get("/metrics", async (exchange, { metrics }) =>
    exchange.sendText(metrics.text(), "text/plain; version=0.0.4; charset=utf-8"),
  ),
];

const openAI: readonly Route[] = [
  operationAt("/v1/chat/completions", chatOperation),
  operationAt("/v1/completions", completionsOperation),
  operationAt("/v1/responses", responsesOperation),
  get("/v1/responses/*/input_items", listInputItems),
  post("/v1/responses/*/cancel", cancelResponse),
  get("/v1/responses/*", tellResponse),
  remove("/v1/responses/*", removeResponse),
  post("/v1/embeddings", embedForOpenAI),
  post("/v1/rerank", rerank),
  post("/v2/rerank", rerank), // Cohere's
  post("/rerank", rerank),
  get("/v1/models", listModels),
  get("/v1/models/*", tellModel),
];

const anthropic: readonly Route[] = [
  operationAt("/v1/messages", messagesOperation),
  post("/v1/messages/count_tokens", countTokens),
];

/** The Ollama whose addresses and fields these are: clients refuse versions that are too old for them. */
const OLLAMA_VERSION = "0.14.0";

const ollama: readonly Route[] = [
  get("/", async (exchange) => exchange.sendText("Ollama is running", "text/plain; charset=utf-8")), // what clients look for
  operationAt("/api/chat", ollamaChat),
  operationAt("/api/generate", generateOperation),
  post("/api/embed", embedForOllama),
  post("/api/embeddings", embedOneForOllama),
  get("/api/tags", listTags),
  get("/api/ps", listRunning),
  post("/api/show", showModel),
  post("/api/pull", pullModel),
  remove("/api/delete", removeModel),
  ...["/api/copy", "/api/create", "/api/push", "/api/blobs/*"].map((path) => post(path, refuseChange)),
  get("/api/version", async (exchange) => exchange.sendJson({ version: OLLAMA_VERSION })),
];

/** Every address of a server. */
export const ROUTES: readonly Route[] = [...own, ...openAI, ...anthropic, ...ollama];
