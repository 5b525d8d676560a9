import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import * as errors from "./index.ts";

const {
  AbstractLLMError,
  ContextWindowExceededError,
  FileProcessingError,
  InvalidParameterError,
  InvalidRequestError,
  MemoryExceededError,
  ModelLoadingError,
  ModelNotFoundError,
  QuotaExceededError,
  ResourceExceededError,
  UnsupportedFeatureError,
  UnsupportedOperationError,
} = errors;

const byName = { ...errors };

/** Class and parent, as in Python AbstractLLM where it has the class. */
const HIERARCHY: Readonly<Record<keyof typeof errors, keyof typeof errors | undefined>> = {
  AbstractLLMError: undefined,
  AllProvidersFailedError: "AbstractLLMError",
  AuthenticationError: "AbstractLLMError",
  CircuitOpenError: "AbstractLLMError",
  QuotaExceededError: "AbstractLLMError",
  UnsupportedProviderError: "AbstractLLMError",
  UnsupportedModelError: "AbstractLLMError",
  InvalidRequestError: "AbstractLLMError",
  ProviderConnectionError: "AbstractLLMError",
  ProviderAPIError: "AbstractLLMError",
  GenerationError: "AbstractLLMError",
  RequestTimeoutError: "AbstractLLMError",
  ContentFilterError: "AbstractLLMError",
  ImageProcessingError: "AbstractLLMError",
  ResourceExceededError: "AbstractLLMError",
  ModelNotFoundError: "AbstractLLMError",
  InvalidParameterError: "InvalidRequestError",
  ModelLoadingError: "AbstractLLMError",
  ContextWindowExceededError: "InvalidRequestError",
  UnsupportedFeatureError: "AbstractLLMError",
  UnsupportedOperationError: "AbstractLLMError",
  FileProcessingError: "AbstractLLMError",
  MemoryExceededError: "ResourceExceededError",
};

describe("the hierarchy", () => {
  test("has Python's 21 classes and those of chains, each with its parent, name and a code of its own", () => {
    expect(Object.keys(errors).sort()).toEqual(Object.keys(HIERARCHY).sort());
    const count = 21 + 2;
    expect(Object.keys(HIERARCHY)).toHaveLength(count);
    const codes = new Set<string>();
    for (const [name, parent] of Object.entries(HIERARCHY)) {
      const errorClass = byName[name as keyof typeof errors];
      expect(errorClass.errorName).toBe(name);
      codes.add(errorClass.code);
      if (parent !== undefined) expect(Object.getPrototypeOf(errorClass)).toBe(byName[parent]);
    }
    expect(codes.size).toBe(count);
  });

  test("leads the message with the provider", () => {
    expect(new AbstractLLMError("it broke", { provider: "mlx" }).message).toBe("[mlx] it broke");
    expect(new AbstractLLMError("it broke").message).toBe("it broke");
  });

  test("keeps cause, details and retry facts", () => {
    const cause = new Error("below");
    const error = new QuotaExceededError("slow down", {
      cause,
      details: { a: 1 },
      retryAfterMs: 5,
      requestId: "r",
    });
    expect(error).toMatchObject({
      name: "QuotaExceededError",
      code: "quota-exceeded",
      retryable: true,
      retryAfterMs: 5,
      requestId: "r",
      details: { a: 1 },
    });
    expect(error.cause).toBe(cause);
    expect(new QuotaExceededError("never", { retryable: false }).retryable).toBe(false);
  });
});

describe("isInstance", () => {
  test("recognises a class and its ancestors, and nothing else", () => {
    const error = new InvalidParameterError("topP", 7);
    expect(InvalidParameterError.isInstance(error)).toBe(true);
    expect(InvalidRequestError.isInstance(error)).toBe(true);
    expect(AbstractLLMError.isInstance(error)).toBe(true);
    expect(ContextWindowExceededError.isInstance(error)).toBe(false);
    expect(ResourceExceededError.isInstance(new MemoryExceededError("full"))).toBe(true);
    for (const other of [new Error("x"), undefined, null, "InvalidParameterError", {}]) {
      expect(AbstractLLMError.isInstance(other)).toBe(false);
    }
  });

  test("recognises errors of another copy of the package, where instanceof does not", async () => {
    vi.resetModules();
    const copy: typeof errors = await import("./index.ts");
    const error = new copy.MemoryExceededError("full");
    expect(error instanceof MemoryExceededError).toBe(false);
    expect(MemoryExceededError.isInstance(error)).toBe(true);
    expect(ResourceExceededError.isInstance(error)).toBe(true);
  });
});

describe("fields and messages", () => {
  test("of a model that is not there", () => {
    const error = new ModelNotFoundError("m", { reason: "gone", searchPath: "/cache", provider: "mlx" });
    expect(error.message).toBe("[mlx] Model 'm' not found: gone (searched in: /cache)");
    expect(error).toMatchObject({ modelName: "m", reason: "gone", searchPath: "/cache" });
  });

  test("of the others that have their own", () => {
    expect(new UnsupportedFeatureError("vision").message).toBe(
      "Feature 'vision' is not supported by this provider/model",
    );
    expect(new UnsupportedFeatureError("vision").feature).toBe("vision");
    expect(new UnsupportedOperationError("embed", "text only").message).toBe(
      "Operation 'embed' is not supported: text only",
    );
    const long = new ContextWindowExceededError(10, 12);
    expect(long.message).toBe("Content length (12) exceeds maximum context window (10)");
    expect(long).toMatchObject({ contextWindow: 10, contentLength: 12 });
    expect(new ModelLoadingError("bad", { modelName: "m" }).modelName).toBe("m");
    expect(new FileProcessingError("bad", { filePath: "a", fileType: "image" })).toMatchObject({
      filePath: "a",
      fileType: "image",
    });
    expect(new MemoryExceededError("full", { requiredMemory: 2, availableMemory: 1 })).toMatchObject({
      requiredMemory: 2,
      availableMemory: 1,
    });
  });

  test("never show a refused value in a listing, and little of it in the message", () => {
    const error = new InvalidParameterError("systemPrompt", "secret ".repeat(40));
    expect(error.message.length).toBeLessThan(100);
    expect(error.value).toBe("secret ".repeat(40));
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(inspect(error).split("secret").length).toBeLessThan(16); // the message and its copy in the stack
  });
});
