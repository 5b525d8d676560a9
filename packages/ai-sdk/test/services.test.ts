import { describe, vi } from "vitest";
import { serviceCases } from "./cases/service-cases.ts";
import { AI_SDKS } from "./support/ai-sdks.ts";

vi.stubGlobal("AI_SDK_LOG_WARNINGS", false);

describe.each(AI_SDKS)("AI SDK $version", ({ ai }) => serviceCases(ai));
