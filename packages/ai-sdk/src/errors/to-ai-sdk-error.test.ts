import { APICallError } from "@ai-sdk/provider";
import {
  AuthenticationError,
  ContextWindowExceededError,
  FileProcessingError,
  GenerationError,
  InvalidParameterError,
  MemoryExceededError,
  ModelNotFoundError,
  ProviderConnectionError,
  QuotaExceededError,
  UnsupportedFeatureError,
} from "abstractllm";
import { expect, test } from "vitest";
import { toAISDKError } from "./to-ai-sdk-error.ts";

const MODEL = { modelId: "m", modelType: "languageModel", url: "http://x/v1" } as const;
const service = { provider: "openai", details: { status: 401 } };

test.each([
  [
    new InvalidParameterError("maxTokens", 0),
    { name: "AI_InvalidArgumentError", argument: "maxOutputTokens" },
  ],
  [
    new UnsupportedFeatureError("vision"),
    { name: "AI_UnsupportedFunctionalityError", functionality: "vision" },
  ],
  [new ModelNotFoundError("m"), { name: "AI_NoSuchModelError", modelId: "m", modelType: "languageModel" }],
  [new FileProcessingError("no file"), { name: "AI_InvalidPromptError", prompt: undefined }],
  [new AuthenticationError("no key"), { name: "AI_LoadAPIKeyError" }],
  [
    new AuthenticationError("bad key", service),
    { name: "AI_APICallError", statusCode: 401, isRetryable: false },
  ],
  [new ContextWindowExceededError(1, 2), { name: "AI_APICallError", isRetryable: false }],
  [new MemoryExceededError("full"), { name: "AI_APICallError", isRetryable: false }],
  [new ProviderConnectionError("gone"), { name: "AI_APICallError", isRetryable: true, url: "http://x/v1" }],
  [new GenerationError("again", { retryable: true }), { name: "AI_APICallError", isRetryable: true }],
])("%s has a class of the AI SDK, and is its cause", (error, expected) => {
  const mapped = toAISDKError(error, MODEL);
  expect(mapped).toMatchObject({ ...expected, cause: error });
  expect((mapped as Error).message).toContain(error.message);
});

test("how long to wait is where the AI SDK looks for it", () => {
  const error = new QuotaExceededError("slow down", { retryAfterMs: 1500, requestId: "r1" });
  const mapped = toAISDKError(error, { ...MODEL, url: undefined });
  expect(APICallError.isInstance(mapped)).toBe(true);
  expect(mapped).toMatchObject({
    isRetryable: true,
    url: "abstractllm:m",
    responseHeaders: { "retry-after-ms": "1500", "x-request-id": "r1" },
    data: { code: "quota-exceeded" },
  });
});

test("anything else comes back as it is", () => {
  const reason = new DOMException("enough", "AbortError");
  expect(toAISDKError(reason, MODEL)).toBe(reason);
});
