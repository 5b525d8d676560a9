import { afterAll, beforeAll, describe, vi } from "vitest";
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
  embeddings: { model: "bge-m3", areCounted: true, canBeShortened: true },
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
