import { afterAll, beforeAll, vi } from "vitest";
import { createLLM, type LLMConfig } from "../../src/index.ts";
import { HttpService } from "../services/http-service.ts";
import { openAIService } from "../services/openai-service.ts";
import { abortCases } from "./abort-cases.ts";
import { answerCases } from "./answer-cases.ts";
import { refusalCases } from "./refusal-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { EVENT_FAULTS } from "./remote-faults.ts";
import type { Subject } from "./subject.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

let service: HttpService;
beforeAll(async () => {
  service = await HttpService.start(openAIService);
});
afterAll(() => service.stop());

const CONFIG: LLMConfig = { apiKey: "sk-test-canary-key" };

const subject: Subject = {
  provider: "openai",
  open: (config) =>
    createLLM("openai", { ...CONFIG, baseUrl: `${service.origin}/v1`, temperature: 0, ...config }),
  templated: {},
  endless: { maxTokens: 500 },
  lacks: new Set(["timings", "loading", "token counting"]),
};

answerCases(subject);
abortCases(subject);
refusalCases(subject);
remoteCases({
  provider: "openai",
  behaviour: openAIService,
  config: CONFIG,
  basePath: "/v1",
  faults: EVENT_FAULTS,
});
