import { describe, expect, test } from "vitest";
import { parseErrorBody } from "./error-body.ts";
import { mapServiceError } from "./map-service-error.ts";

const map = (status: number | undefined, body: unknown, headers: Record<string, string> = {}) =>
  mapServiceError(
    { status, body: parseErrorBody(typeof body === "string" ? body : JSON.stringify(body)), headers },
    { provider: "p", model: "m", modelHint: () => "Run: get m", redact: (text) => text },
  );

/** What services really send, and what it means. */
const CASES: readonly [what: string, status: number | undefined, body: unknown, expected: object][] = [
  [
    "OpenAI: too long",
    400,
    {
      error: {
        message:
          "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens. Please reduce the length of the messages.",
        type: "invalid_request_error",
        param: "messages",
        code: "context_length_exceeded",
      },
    },
    { name: "ContextWindowExceededError", contextWindow: 128000, contentLength: 131072 },
  ],
  [
    "OpenAI: no money",
    429,
    {
      error: {
        message: "You exceeded your current quota",
        type: "insufficient_quota",
        code: "insufficient_quota",
      },
    },
    { name: "QuotaExceededError", retryable: false },
  ],
  [
    "OpenAI: too fast",
    429,
    { error: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" } },
    { name: "QuotaExceededError", retryable: true },
  ],
  [
    "OpenAI: no such model",
    404,
    { error: { message: "The model `x` does not exist", code: "model_not_found" } },
    { name: "ModelNotFoundError", modelName: "m" },
  ],
  [
    "OpenAI: a field it does not take",
    400,
    {
      error: {
        message: "Unsupported parameter: 'temperature'",
        type: "invalid_request_error",
        param: "temperature",
        code: "unsupported_parameter",
      },
    },
    { name: "InvalidRequestError", details: { param: "temperature", code: "unsupported_parameter" } },
  ],
  [
    "OpenAI: no log probabilities, with chat completions",
    403,
    {
      error: {
        message: "You are not allowed to request logprobs from this model",
        type: "invalid_request_error",
        param: null,
        code: null,
      },
    },
    { name: "UnsupportedFeatureError", feature: "logprobs" },
  ],
  [
    "OpenAI: no log probabilities, with responses",
    400,
    {
      error: {
        message: "logprobs are not supported with reasoning models.",
        type: "invalid_request_error",
        param: "include",
        code: "unsupported_parameter",
      },
    },
    { name: "UnsupportedFeatureError", feature: "logprobs", details: { param: "include" } },
  ],
  [
    "llama.cpp: no log probabilities of streams with tools",
    400,
    {
      error: {
        message: "logprobs is not supported with tools + stream",
        type: "invalid_request_error",
        code: 400,
      },
    },
    { name: "UnsupportedFeatureError", feature: "logprobs" },
  ],
  [
    "Azure: filtered",
    400,
    { error: { message: "The response was filtered", code: "content_filter", status: 400 } },
    { name: "ContentFilterError" },
  ],
  [
    "Anthropic: too long",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "prompt is too long: 210000 tokens > 200000 maximum",
      },
    },
    { name: "ContextWindowExceededError", contextWindow: 200000, contentLength: 210000 },
  ],
  [
    "Anthropic: no room for the answer",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
      },
    },
    { name: "ContextWindowExceededError", contextWindow: 200000, contentLength: 210000 },
  ],
  [
    "Anthropic: no such model",
    404,
    { type: "error", error: { type: "not_found_error", message: "model: claude-none" } },
    { name: "ModelNotFoundError" },
  ],
  [
    "Anthropic: no money left",
    400,
    { type: "error", error: { type: "invalid_request_error", message: "Your credit balance is too low" } },
    { name: "QuotaExceededError", retryable: false },
  ],
  [
    "Anthropic: overloaded, within a stream",
    undefined,
    { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    { name: "ProviderAPIError", retryable: true },
  ],
  [
    "vLLM: too long",
    400,
    {
      object: "error",
      message:
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion).",
      type: "BadRequestError",
      param: null,
      code: 400,
    },
    { name: "ContextWindowExceededError", contextWindow: 4096, contentLength: 5000 },
  ],
  [
    "vLLM: no such model",
    404,
    { object: "error", message: "The model `x` does not exist.", type: "NotFoundError", code: 404 },
    { name: "ModelNotFoundError" },
  ],
  [
    "llama.cpp: too long",
    400,
    {
      error: {
        code: 400,
        message: "the request exceeds the available context size",
        type: "exceed_context_size_error",
        n_prompt_tokens: 9000,
        n_ctx: 4096,
      },
    },
    { name: "ContextWindowExceededError", contextWindow: 4096, contentLength: 9000 },
  ],
  [
    "llama.cpp: still loading",
    503,
    { error: { code: 503, message: "Loading model", type: "unavailable_error" } },
    { name: "ProviderAPIError", retryable: true },
  ],
  [
    "Ollama: no such model",
    404,
    { error: 'model "x" not found, try pulling it first' },
    { name: "ModelNotFoundError", message: expect.stringContaining("Run: get m") },
  ],
  [
    "Ollama: no tools",
    400,
    { error: "registry.ollama.ai/library/x does not support tools" },
    { name: "UnsupportedFeatureError", feature: "tool_use" },
  ],
  [
    "FastAPI: fields, without what was given",
    422,
    { detail: [{ type: "missing", loc: ["body", "messages"], msg: "Field required", input: "SECRET" }] },
    { name: "InvalidRequestError", message: "[p] messages: Field required (HTTP 422)" },
  ],
  ["FastAPI: a text", 401, { detail: "Not authenticated" }, { name: "AuthenticationError" }],
  [
    "Google: a list",
    429,
    [{ error: { code: 429, message: "Resource exhausted", status: "RESOURCE_EXHAUSTED" } }],
    { name: "QuotaExceededError", message: "[p] Resource exhausted (HTTP 429)" },
  ],
  [
    "FastAPI: no such address",
    404,
    { detail: "Not Found" },
    { name: "ProviderAPIError", message: "[p] Not Found (HTTP 404); check baseUrl" },
  ],
  [
    "a gateway's page",
    504,
    "<html><head><title>504 Gateway Time-out</title></head><body>…</body></html>",
    { name: "ProviderAPIError", retryable: true, message: "[p] 504 Gateway Time-out (HTTP 504)" },
  ],
  [
    "nothing",
    500,
    "",
    {
      name: "ProviderAPIError",
      retryable: true,
      message: "[p] The service answered with an error: HTTP 500",
    },
  ],
  ["JSON that is no object", 400, "17", { name: "InvalidRequestError" }],
  ["names of Object's own fields", 400, { error: { type: "constructor" } }, { name: "InvalidRequestError" }],
];

describe("an error of a service", () => {
  test.each(CASES)("%s", (_, status, body, expected) => {
    expect(map(status, body)).toMatchObject({ provider: "p", ...expected });
  });

  test("keeps the service's names, wait and request", () => {
    const headers = { "retry-after": "3", "x-request-id": "req_1" };
    const body = { error: { message: "slow", type: "requests", code: "rate_limit_exceeded", param: "n" } };
    expect(map(429, body, headers)).toMatchObject({
      retryAfterMs: 3000,
      requestId: "req_1",
      details: { status: 429, type: "requests", code: "rate_limit_exceeded", param: "n" },
    });
  });

  test("has a short message, however long the service's is", () => {
    expect(map(400, { error: { message: "word ".repeat(10_000) } }).message.length).toBeLessThan(600);
  });
});
