import * as ai from "ai";
import { vi } from "vitest";
import { serviceCases } from "./cases/service-cases.ts";

vi.stubGlobal("AI_SDK_LOG_WARNINGS", false);
serviceCases(ai);
