import { describe, expect, test } from "vitest";
import {
  type AbstractLLM,
  createCapabilityChain,
  createFallbackChain,
  createLLM,
  createSession,
  createWeightedChain,
  generateObject,
  type JsonSchema,
  registerProvider,
  Session,
  SessionManager,
  withCircuitBreaker,
  withHooks,
  withRetry,
  withTelemetry,
} from "../src/index.ts";
import { ScriptedProvider } from "./support/scripted-provider.ts";

/** What a program without types may hand over. */
const wrong = <T>(value: unknown) => value as T;

const llm = new ScriptedProvider([{ text: "Hello" }]);
const none = () => ({});

describe("what takes an LLM", () => {
  const takers: Record<string, (given: AbstractLLM) => unknown> = {
    Session: (given) => new Session(given),
    "session.switchTo": (given) => new Session(llm).switchTo(given),
    createSession: (given) => createSession(given),
    SessionManager: (given) => new SessionManager("folder", given),
    generateObject: (given) => generateObject(given, "x", { type: "string" }),
    withCircuitBreaker: (given) => withCircuitBreaker(given),
    withHooks: (given) => withHooks(given, none),
    withRetry: (given) => withRetry(given),
    withTelemetry: (given) => withTelemetry(given),
  };

  test.each(Object.entries(takers))("refuses anything else: %s", async (_, take) => {
    for (const [given, received] of [
      [undefined, "undefined"],
      [null, "null"],
      [5, "number 5"],
      [{}, "object"],
      [Promise.resolve(llm), "a promise; await it first"],
    ]) {
      const error = await new Promise<unknown>((resolve) => resolve(take(wrong(given)))).catch((e) => e);
      const message = `Expected an LLM, as createLLM gives one, but received ${received}`;
      expect(error).toMatchObject({
        name: "InvalidParameterError",
        message: expect.stringContaining(message),
      });
    }
  });
});

test.each<[string, () => unknown, string]>([
  ["an option of withRetry", () => withRetry(llm, wrong({ maxRetrys: 1 })), 'did you mean "maxRetries"?'],
  [
    "a value of withRetry",
    () => withRetry(llm, { maxRetries: -1 }),
    "Expected integer of at least 0 for maxRetries",
  ],
  [
    "options of withRetry",
    () => withRetry(llm, wrong(3)),
    "Expected object for options but received number 3",
  ],
  [
    "an option of withCircuitBreaker",
    () => withCircuitBreaker(llm, wrong({ threshold: 1 })),
    'option "threshold"',
  ],
  [
    "a callback",
    () => withCircuitBreaker(llm, { onStateChange: wrong("x") }),
    "Expected function for onStateChange",
  ],
  [
    "an option of withTelemetry",
    () => withTelemetry(llm, wrong({ captureContents: true })),
    'did you mean "captureContent"?',
  ],
  ["hooks", () => withHooks(llm, wrong(undefined)), "Expected function that is called"],
  [
    "a provider's module",
    () => registerProvider("mine", wrong("./mine.js")),
    "Expected function that imports",
  ],
  [
    "a module that is no provider's",
    () => {
      registerProvider("mine", async () => wrong({ default: {} }));
      return createLLM("mine");
    },
    'The module of the provider "mine" exports no createProvider(config)',
  ],
  ["a folder", () => new SessionManager(wrong(undefined), llm), "Expected non-empty string for folder"],
  [
    "a missing schema",
    () => generateObject(llm, "x", wrong<JsonSchema>(undefined)),
    "Expected JSON Schema or Standard Schema",
  ],
  ["a misspelt member", () => createFallbackChain(["opnai", llm]), 'Did you mean "openai"?'],
  [
    "a member that is an object",
    () => createFallbackChain([wrong({ provider: "mlx" })]),
    "Expected an LLM, a provider's name or [name, config] for a member of the chain but received object",
  ],
  [
    "a member that is a promise",
    () => createFallbackChain([wrong(Promise.resolve(llm))]),
    "a promise; await it first",
  ],
  ["an option of a chain", () => createFallbackChain([llm], wrong({ onChange: none })), 'option "onChange"'],
  [
    "a capability",
    () => createCapabilityChain([wrong("sees")], [llm]),
    'required but received string "sees"',
  ],
  ["members", () => createWeightedChain(wrong(undefined)), "Expected at least one member"],
  ["a weight", () => createWeightedChain([wrong(undefined)]), "weight but received undefined"],
  [
    "options of a call",
    () => llm.generate("x", wrong(null)),
    "Expected object for options but received null",
  ],
  [
    "a list of options",
    () => llm.generate("x", wrong([])),
    "Expected object for options but received array of 0",
  ],
  ["settings", () => llm.setConfig(wrong(undefined)), "Expected object for config but received undefined"],
  [
    "an option given twice",
    () => createLLM("mlx", { max_tokens: 1, maxTokens: 2 }),
    'as "max_tokens" and "maxTokens"',
  ],
  ["a time", () => llm.generate("x", { timeout: 0.5 }), "Expected whole milliseconds between 1 and"],
  ["a proxy", () => createLLM("openai", { apiKey: "k", proxy: "nope" }), "such as http://proxy.example:8080"],
  [
    "an address without http",
    () => createLLM("lmstudio", { baseUrl: "localhost:1234" }),
    "such as http://localhost:1234",
  ],
])("says what is wrong with %s", async (_, call, message) => {
  await expect(new Promise((resolve) => resolve(call()))).rejects.toThrow(message);
});
