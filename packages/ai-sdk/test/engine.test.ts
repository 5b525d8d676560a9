import * as ai from "ai";
import { vi } from "vitest";
import { engineCases } from "./cases/engine-cases.ts";

vi.stubGlobal("AI_SDK_LOG_WARNINGS", false);
engineCases(ai);
