import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createLLM, type LLMConfig } from "../../src/index.ts";
import { HttpService, jsonAnswer } from "../services/http-service.ts";
import { huggingFaceService } from "../services/huggingface-service.ts";
import { nativeCases } from "./native-cases.ts";
import { takeWaits } from "./recorded-waits.ts";
import { remoteCases } from "./remote-cases.ts";
import { EVENT_FAULTS, type FaultRow } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const apiKey = "hf_canary-key";
const behaviour = huggingFaceService({ apiKey });

/** Faults in Hugging Face's own words. */
const FAULTS: readonly FaultRow[] = [
  ...EVENT_FAULTS,
  [
    "a model that is loading, with the time it takes",
    [() => jsonAnswer({ error: "Model openai/gpt-oss-20b is currently loading", estimated_time: 20.5 }, 503)],
    { answer: "regular", waits: [20_500] },
  ],
  [
    "a model that takes too long to load",
    [() => jsonAnswer({ error: "Model openai/gpt-oss-20b is currently loading", estimated_time: 300 }, 503)],
    { error: "ProviderAPIError", retryable: true, retryAfterMs: 300_000, requests: 1 },
  ],
  [
    "a model that no service has",
    [
      () => {
        const message = "The requested model 'x/y' is not supported by any provider you have enabled.";
        const code = "model_not_supported";
        return jsonAnswer({ error: { message, type: "invalid_request_error", param: "model", code } }, 400);
      },
    ],
    { error: "ModelNotFoundError", requests: 1, message: "models?inference_provider=all" },
  ],
  [
    "a gated model",
    [
      () =>
        jsonAnswer(
          { error: "Access to model x/y is restricted and you are not in the authorized list." },
          403,
        ),
    ],
    { error: "AuthenticationError", retryable: false, requests: 1, message: "not in the authorized list" },
  ],
  [
    "no credits left",
    [() => jsonAnswer({ error: "You have exceeded your monthly included credits." }, 402)],
    { error: "QuotaExceededError", retryable: false, requests: 1 },
  ],
];

const SUBJECT = {
  provider: "huggingface",
  behaviour,
  config: { apiKey },
  basePath: "/v1",
  faults: FAULTS,
  visionModel: "Qwen/Qwen2.5-VL-7B-Instruct",
  embeddings: {
    model: "sentence-transformers/all-MiniLM-L6-v2",
    areCounted: false,
    canBeShortened: false,
    fields: { inputType: { prompt_name: "query" }, truncate: { truncate: true } },
  },
} as const;

sharedCases(SUBJECT, ["timings", "loading", "token counting"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);

describe("Hugging Face", () => {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(behaviour);
  });
  beforeEach(() => {
    service.requests.length = 0;
    takeWaits();
    for (const name of ["HF_TOKEN", "HUGGINGFACE_API_KEY", "HUGGING_FACE_HUB_TOKEN"]) vi.stubEnv(name, "");
    vi.stubEnv("HF_TOKEN_PATH", join(tmpdir(), "no", "such", "token"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  afterAll(() => service.stop());

  const open = (config: LLMConfig = {}) =>
    createLLM("huggingface", { baseUrl: `${service.origin}/v1`, ...config });

  test("without a token says at once where to put one", async () => {
    const error = await open().catch((e) => e);
    expect(error).toMatchObject({ name: "AuthenticationError", provider: "huggingface" });
    expect(error.message).toContain("HF_TOKEN");
  });

  test.each(["HF_TOKEN", "HUGGINGFACE_API_KEY", "HUGGING_FACE_HUB_TOKEN"])(
    "takes the token of %s",
    async (name) => {
      vi.stubEnv(name, apiKey);
      expect((await (await open()).generate("x")).text).not.toBe("");
    },
  );

  test("takes the token that a login saved, after those of options and environment", async () => {
    const folder = await mkdtemp(join(tmpdir(), "abstractllm-huggingface-"));
    await writeFile(join(folder, "token"), `${apiKey}\n`);
    vi.stubEnv("HF_TOKEN_PATH", "");
    vi.stubEnv("HF_HOME", folder);
    expect((await (await open()).generate("x")).text).not.toBe("");
    vi.stubEnv("HF_TOKEN", "hf_other");
    await expect((await open()).generate("x")).rejects.toMatchObject({ name: "AuthenticationError" });
    await rm(folder, { recursive: true });
  });

  test("names the service that the model is to run on, and who pays", async () => {
    const llm = await open({ apiKey, model: "openai/gpt-oss-20b:groq", organization: "my-org" });
    await llm.generate("x");
    expect(service.requests[0]).toMatchObject({
      path: "/v1/chat/completions",
      body: { model: "openai/gpt-oss-20b:groq" },
      headers: { "x-hf-bill-to": "my-org" },
    });
    const elsewhere = await open({ apiKey, model: "openai/gpt-oss-20b:nobody" });
    await expect(elsewhere.generate("x")).rejects.toMatchObject({
      name: "ModelNotFoundError",
      modelName: "openai/gpt-oss-20b:nobody",
    });
  });

  test("embeds with a model of its own where none is named, and refuses one that embeds tokens", async () => {
    const llm = await open({ apiKey });
    expect(await llm.embed("one")).toMatchObject({
      model: "sentence-transformers/all-MiniLM-L6-v2",
      embeddings: [[3, 0.5, -1]],
    });
    expect(service.requests[0]?.path).toBe(
      "/hf-inference/models/sentence-transformers/all-MiniLM-L6-v2/pipeline/feature-extraction",
    );
    await expect(llm.embed(["one", "two"], { model: "facebook/bart-base" })).rejects.toMatchObject({
      name: "UnsupportedModelError",
    });
  });

  test.each(["topK", "ignoreEos"] as const)("refuses %s, which not every service has", async (name) => {
    const value = name === "topK" ? 5 : true;
    await expect(open({ apiKey, [name]: value })).rejects.toMatchObject({ feature: name });
  });
});
