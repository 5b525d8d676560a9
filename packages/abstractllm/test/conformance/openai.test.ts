import { vi } from "vitest";
import { openAIService } from "../services/openai-service.ts";
import { nativeCases } from "./native-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { EVENT_FAULTS } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const apiKey = "sk-test-canary-key";

const SUBJECT = {
  provider: "openai",
  behaviour: openAIService({ models: ["gpt-4o", "gpt-5", "text-embedding-3-small"], apiKey }),
  config: { apiKey },
  basePath: "/v1",
  faults: EVENT_FAULTS,
  visionModel: "gpt-4o",
  embeddings: { model: "text-embedding-3-small", areCounted: true, canBeShortened: true, fields: {} },
} as const;

sharedCases(SUBJECT, ["timings", "loading"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);
