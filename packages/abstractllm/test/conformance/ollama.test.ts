import { vi } from "vitest";
import { ollamaService } from "../services/ollama-service.ts";
import { nativeCases } from "./native-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { LINE_FAULTS } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const SUBJECT = {
  provider: "ollama",
  behaviour: ollamaService,
  config: { apiKey: "ollama-canary-key" },
  basePath: "",
  faults: LINE_FAULTS,
  visionModel: "llava:7b",
  embeddings: { model: "nomic-embed-text", areCounted: true, canBeShortened: true },
  forcesTools: false,
} as const;

sharedCases(SUBJECT, ["loading", "token counting"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);
