import { vi } from "vitest";
import { openAIService } from "../services/openai-service.ts";
import { nativeCases } from "./native-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { EVENT_FAULTS } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const apiKey = "lm-studio-canary-key";

const SUBJECT = {
  provider: "lmstudio",
  behaviour: openAIService({ models: ["qwen3-8b", "qwen2.5-vl-7b", "bge-m3"], apiKey }),
  config: { apiKey, model: "qwen3-8b" },
  basePath: "/v1",
  faults: EVENT_FAULTS,
  visionModel: "qwen2.5-vl-7b",
  embeddings: { model: "bge-m3", areCounted: true, canBeShortened: true, fields: {} },
} as const;

sharedCases(SUBJECT, ["timings", "loading", "token counting"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);
