import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createLLM, type LLMConfig } from "../../src/index.ts";
import { HttpService } from "../services/http-service.ts";
import { ollamaService } from "../services/ollama-service.ts";
import { nativeCases } from "./native-cases.ts";
import { remoteCases } from "./remote-cases.ts";
import { LINE_FAULTS } from "./remote-faults.ts";
import { sharedCases } from "./shared-cases.ts";
import { toolCases } from "./tool-cases.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("./recorded-waits.ts"));

const SUBJECT = {
  provider: "ollama",
  behaviour: ollamaService,
  config: { apiKey: "ollama-canary-key" },
  basePath: "",
  faults: LINE_FAULTS,
  visionModel: "llava:7b",
  embeddings: {
    model: "nomic-embed-text",
    areCounted: true,
    canBeShortened: true,
    fields: { truncate: { truncate: true } },
  },
} as const;

sharedCases(SUBJECT, ["loading", "token counting"]);
remoteCases(SUBJECT);
nativeCases(SUBJECT);

describe("a model that Ollama gives no tools", () => {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(ollamaService);
  });
  afterAll(() => service.stop());

  const open = (config: LLMConfig = {}) =>
    createLLM("ollama", { baseUrl: service.origin, model: "tinytext:latest", ...config });
  toolCases({ open });

  test("is asked with them once, and told of them in its prompt from then on", async () => {
    service.requests.length = 0;
    const llm = await open();
    const tools = [{ name: "f" }];
    for (const prompt of ["One.", "Two."]) await llm.generate(prompt, { tools });
    expect(service.requests.map(({ body }) => "tools" in body)).toEqual([true, false, false]);
    expect(JSON.stringify(service.requests[2]?.body)).toContain("<tools>");
  });

  test("says when it called none although it was told to", async () => {
    const tools = [{ name: "f" }];
    for (const model of ["tinytext:latest", "phi4-mini:latest"]) {
      const { warnings } = await (await open({ model })).generate("One.", { tools, toolChoice: "required" });
      expect(warnings).toEqual(["The model called no tool although toolChoice asked it to"]);
    }
  });

  test("is not asked with them where the configuration says so, or says otherwise", async () => {
    service.requests.length = 0;
    const tools = [{ name: "f" }];
    const told = await open({ capabilities: { tools: false } });
    expect(
      (await told.generate("Please use the tools.", { tools, toolChoice: "required" })).toolCalls,
    ).toEqual([{ id: expect.stringMatching(/./), name: "f", arguments: {} }]);
    expect("tools" in (service.requests[0]?.body ?? {})).toBe(false);
    const able = await open({ capabilities: { tools: true } });
    await expect(able.generate("x", { tools })).rejects.toMatchObject({ feature: "tool_use" });
  });

  test("answers with a schema and tools in one call", async () => {
    const schema = { type: "object", properties: { count: { type: "integer" } }, required: ["count"] };
    const llm = await open();
    service.requests.length = 0;
    await llm.generate("Please use the tools.", { tools: [{ name: "f" }], schema });
    const prompted = service.requests.at(-1)?.body;
    expect(prompted).not.toHaveProperty("format");
    expect(JSON.stringify(prompted)).toContain("JSON Schema");
  });
});
