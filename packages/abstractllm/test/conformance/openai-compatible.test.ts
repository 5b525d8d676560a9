import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createLLM } from "../../src/index.ts";
import { HttpService } from "../services/http-service.ts";
import { openAIService } from "../services/openai-service.ts";
import { nativeCases } from "./native-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { EVENT_FAULTS } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";
import { toolCases } from "./tool-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const apiKey = "canary-key-1";

const SUBJECT = {
  provider: "openai-compatible",
  behaviour: openAIService({ models: ["qwen3-8b", "qwen2.5-vl-7b", "bge-m3"], apiKey }),
  config: { apiKey, model: "qwen3-8b" },
  basePath: "/v1",
  faults: EVENT_FAULTS,
  visionModel: "qwen2.5-vl-7b",
  embeddings: {
    model: "bge-m3",
    areCounted: true,
    canBeShortened: true,
    fields: { inputType: { input_type: "query" } },
  },
} as const;

sharedCases(SUBJECT, ["timings", "loading", "token counting"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);

describe("a server that takes no tools", () => {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(openAIService({ models: ["served"], isWithoutTools: true }));
  });
  afterAll(() => service.stop());

  const open = () => createLLM("openai-compatible", { baseUrl: `${service.origin}/v1`, model: "served" });
  toolCases({ open });
});

describe("a limit of reasoning", () => {
  let service: HttpService;
  beforeEach(async () => {
    service = await HttpService.start(openAIService({ models: ["served"] }));
  });
  afterEach(() => service.stop());

  const ask = async (maxTokens: number) => {
    const llm = await createLLM("openai-compatible", { baseUrl: `${service.origin}/v1`, model: "served" });
    const { warnings } = await llm.generate("x", { reasoning: { maxTokens } });
    return { body: service.requests[0]?.body, warnings };
  };

  test("goes out under every name that servers have for it", async () => {
    const { body, warnings } = await ask(500);
    expect(body).toMatchObject({
      thinking_token_budget: 500,
      thinking_budget_tokens: 500,
      thinking_budget: 500,
      reasoning: { max_tokens: 500 },
    });
    expect(body).not.toHaveProperty("reasoning_effort");
    expect(warnings).toEqual([]);
  });

  test("that the server passed over is told of", async () => {
    service.faults.push((answer) => {
      const told = (step: string) => step.replace('"reasoning_tokens":0', '"reasoning_tokens":501');
      return { ...answer, body: answer.body.map((step) => (typeof step === "string" ? told(step) : step)) };
    });
    const { warnings } = await ask(500);
    expect(warnings).toEqual(["The server did not keep to 500 tokens of reasoning: it took 501"]);
  });

  test("of no tokens turns reasoning off", async () => {
    const { body } = await ask(0);
    expect(body).toMatchObject({ reasoning_effort: "none" });
    expect(body).not.toHaveProperty("thinking_token_budget");
  });
});
