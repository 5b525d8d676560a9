import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  AllProvidersFailedError,
  createCapabilityChain,
  createFallbackChain,
  createRoundRobinChain,
  ModelCapability,
  UnsupportedFeatureError,
} from "../../src/index.ts";
import { takeWaits } from "../conformance/recorded-waits.ts";
import { fixturePath } from "../media/fixture.ts";
import { type Fault, jsonAnswer, RESET } from "../services/http-service.ts";
import { closedAddress, type ServiceMember, SeveralServices } from "../services/several-services.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("../conformance/recorded-waits.ts"));

let services: SeveralServices;

beforeAll(async () => {
  services = await SeveralServices.start();
});

beforeEach(() => {
  services.reset();
  takeWaits();
});

afterAll(() => services.stop());

const status =
  (code: number): Fault =>
  () =>
    jsonAnswer({ error: { message: `status ${code}`, type: "some_error" } }, code);

/** Breaks off after the first messages of a stream. */
const broken: Fault = (answer) => ({ ...answer, body: [...answer.body.slice(0, 4), RESET] });

/** The same member, with other settings. */
const changed = ([provider, config]: ServiceMember, changes: object): ServiceMember => [
  provider,
  { ...config, ...changes },
];

describe("a fallback chain of services", () => {
  test.each([
    ["a rate limit", status(429), "QuotaExceededError"],
    ["a server error", status(500), "ProviderAPIError"],
    ["an overload", status(503), "ProviderAPIError"],
    ["a wrong key", status(401), "AuthenticationError"],
    ["a reset before the headers", () => "reset" as const, "ProviderConnectionError"],
    [
      "a reset before the first message",
      (answer) => ({ ...answer, body: [RESET] }),
      "ProviderConnectionError",
    ],
  ] satisfies [string, Fault, string][])(
    "goes on after %s, once the service was asked as often as it may be",
    async (_, fault, name) => {
      services.openai.faults.push(...Array(3).fill(fault));
      const errors: unknown[] = [];
      const { openai, anthropic } = services.members;
      const chain = await createFallbackChain([openai, anthropic], {
        onProviderChange: ({ error }) => errors.push(error),
      });

      const { provider, text, warnings } = await chain.generate("Hi", { maxTokens: 20 });

      expect([provider, text !== ""]).toEqual(["anthropic", true]);
      expect(errors).toMatchObject([{ name, provider: "openai" }]);
      expect(warnings.at(-1)).toContain("The chain went on from openai, which failed");
      expect(services.openai.requests).toHaveLength(name === "AuthenticationError" ? 1 : 3);
      expect(services.anthropic.requests).toHaveLength(1);
    },
  );

  test("goes on where nothing listens", async () => {
    const { openai, ollama } = services.members;
    const chain = await createFallbackChain([changed(openai, { baseUrl: await closedAddress() }), ollama]);
    let text = "";
    const stream = chain.stream("Hi");
    for await (const part of stream) if (part.type === "text-delta") text += part.text;
    const response = await stream.response;
    expect([response.provider, response.text]).toEqual(["ollama", text]);
  });

  test("never asks another service once something of the answer came", async () => {
    services.openai.faults.push(broken);
    const { openai, anthropic } = services.members;
    const chain = await createFallbackChain([openai, anthropic]);
    const parts = [];
    for await (const part of chain.stream("Hi", { maxTokens: 20 })) parts.push(part);
    expect(parts.at(0)).toMatchObject({ type: "text-delta" });
    expect(parts.at(-1)).toMatchObject({ type: "error", error: { name: "ProviderConnectionError" } });
    expect(parts.filter(({ type }) => type === "error" || type === "finish")).toHaveLength(1);
    expect([services.openai.requests.length, services.anthropic.requests.length]).toEqual([1, 0]);
  });

  test("says what each service said when all fail, and no key", async () => {
    const { openai, anthropic } = services.members;
    services.openai.faults.push(status(429));
    const chain = await createFallbackChain([
      changed(openai, { maxRetries: 0 }),
      changed(anthropic, { apiKey: "sk-wrong-canary" }),
    ]);
    const error = await chain.generate("Hi").catch((reason) => reason);
    expect(AllProvidersFailedError.isInstance(error)).toBe(true);
    expect(error.failures).toMatchObject([
      { provider: "openai", error: { name: "QuotaExceededError", retryable: true } },
      { provider: "anthropic", error: { name: "AuthenticationError", retryable: false } },
    ]);
    expect(JSON.stringify([error.message, error])).not.toMatch(/sk-openai|sk-wrong-canary/);
  });

  test("goes on from a service that does not have the model, and runs tools with the next", async () => {
    const { openai, ollama } = services.members;
    const seen: unknown[] = [];
    const chain = await createFallbackChain([changed(openai, { model: "gpt-none" }), ollama]);
    const { text, toolCalls, messages } = await chain.generate("Please use the tools.", {
      maxSteps: 3,
      tools: [
        {
          name: "add",
          parameters: { type: "object", properties: { a: { type: "number" } } },
          execute: (input) => {
            seen.push(input);
            return "8";
          },
        },
      ],
    });
    expect(seen).toEqual([{ a: 7 }]);
    expect([text !== "", toolCalls]).toEqual([true, []]);
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "assistant"]);
  });
});

test("a capability chain sends an image to the model that sees", async () => {
  const { openai, ollama } = services.members;
  const blind = [changed(openai, { model: "gpt-3.5-turbo" }), ollama];
  const chain = await createCapabilityChain(
    [ModelCapability.VISION],
    [...blind, changed(ollama, { model: "llava:7b" })],
  );
  const { model, provider } = await chain.generate("What is this?", { files: [fixturePath("rgb.png")] });
  expect([provider, model]).toEqual(["ollama", "llava:7b"]);
  expect(services.openai.requests).toEqual([]);
  expect(services.ollama.requests.map(({ body }) => body)).toMatchObject([
    { model: "llava:7b", messages: [{ role: "user", images: [expect.stringMatching(/^iVBOR/)] }] },
  ]);
  await expect(createCapabilityChain([ModelCapability.VISION], blind)).rejects.toBeInstanceOf(
    UnsupportedFeatureError,
  );
});

test("a round-robin chain spreads calls over services, and leaves out one that is gone", async () => {
  const { openai, anthropic, ollama } = services.members;
  const chain = await createRoundRobinChain([openai, anthropic, ollama]);
  const ask = async () => (await chain.generate("Hi", { maxTokens: 20 })).provider;
  expect([await ask(), await ask(), await ask()]).toEqual(["openai", "anthropic", "ollama"]);
  services.openai.faults.push(status(401));
  expect(await ask()).toBe("anthropic");
});
