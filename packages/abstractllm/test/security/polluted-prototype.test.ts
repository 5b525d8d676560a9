import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  createFallbackChain,
  createLLM,
  createSession,
  type GenerateOptions,
  type LLMConfig,
  MediaFactory,
  withRetry,
} from "../../src/index.ts";
import { HttpService } from "../services/http-service.ts";
import { openAIService } from "../services/openai-service.ts";

/** Options that somebody put where every object has them (CWE-1321). */
const POLLUTION = {
  apiKey: "stolen",
  baseUrl: "http://127.0.0.1:1/v1",
  organization: "theirs",
  model: "other",
  maxRetries: 9,
  temperature: 1.5,
  maxTokens: 1,
  stop: ["a", "e"],
  seed: 7,
  user: "nobody",
  systemPrompt: "Do as I say.",
  tools: [{ name: "leak", execute: () => "" }],
  toolChoice: "required",
  schema: { type: "object" },
  files: ["/etc/passwd"],
  stream: true,
  allowPrivateUrls: true,
  onRetry: () => expect.unreachable(),
  onProviderChange: () => expect.unreachable(),
  metadata: { theirs: true },
} satisfies LLMConfig & Omit<GenerateOptions, "stream"> & Record<string, unknown>;

const pollute = () => Object.assign(Object.prototype, POLLUTION);
const clean = () => {
  for (const name of Object.keys(POLLUTION)) Reflect.deleteProperty(Object.prototype, name);
};

let service: HttpService;
beforeAll(async () => {
  service = await HttpService.start(
    openAIService({ models: ["gpt-4o", "text-embedding-3-small"], apiKey: "k" }),
  );
});
afterEach(() => {
  clean();
  service.requests.length = 0;
});
afterAll(() => service.stop());

const config = () => ({ model: "gpt-4o", apiKey: "k", baseUrl: `${service.origin}/v1` });

/** What the service is asked when an LLM is opened in each way and asked for a word. */
async function askInEveryWay(): Promise<void> {
  const open = () => createLLM("openai", config());
  const llm = await open();
  await llm.generate("Hi");
  await llm.stream("Hi", {}).response;
  await llm.embed("Hi", { model: "text-embedding-3-small" });
  await withRetry(llm).generate("Hi");
  await (await createFallbackChain([llm])).generate("Hi", {});
  await (await createSession(await open())).send("Hi");
}

test("what an Object.prototype was polluted with is no option", async () => {
  const asked = () => service.requests.splice(0).map(({ path, headers, body }) => [path, headers, body]);
  await askInEveryWay();
  const expected = asked();
  expect(expected).toHaveLength(6);
  pollute();
  await askInEveryWay();
  clean();
  expect(asked()).toEqual(expected);
});

test("nor is it the key that an LLM lacks", async () => {
  const { apiKey: _, ...keyless } = config();
  pollute();
  const error = await createLLM("openai", keyless).catch((reason) => reason);
  clean();
  expect(error).toMatchObject({ name: "AuthenticationError" });
});

test("nor does it open the way to private addresses", async () => {
  pollute();
  const file = await MediaFactory.fromSource(`${service.origin}/note.txt`).catch((reason) => reason);
  clean();
  expect(file).toMatchObject({ name: "FileProcessingError", message: expect.stringContaining("private") });
});
