import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HttpService } from "../services/http-service.ts";
import { ollamaService } from "../services/ollama-service.ts";
import { openAIService } from "../services/openai-service.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const run = promisify(execFile);

/** Runs an example as a user does. */
async function output(name: string, environment: Record<string, string>): Promise<string> {
  const { PATH = "" } = process.env;
  const args = ["--import", "tsx", `examples/${name}.ts`];
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, env: { PATH, ...environment } });
  return stdout;
}

describe("the example", () => {
  let openai: HttpService;
  let ollama: HttpService;
  beforeAll(async () => {
    openai = await HttpService.start(
      openAIService({ models: ["gpt-4o", "text-embedding-3-small"], apiKey: "k" }),
    );
    ollama = await HttpService.start(ollamaService);
  });
  afterAll(() => Promise.all([openai.stop(), ollama.stop()]));

  const account = () => ({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: `${openai.origin}/v1` });

  test("openai.ts streams an answer", async () => {
    expect(await output("openai", account())).toMatch(/\w+\n\(stop, \d+ tokens in, \d+ out\)/);
  });

  test("openai-compatible.ts asks the model that is served", async () => {
    const environment = { BASE_URL: `${openai.origin}/v1`, API_KEY: "k" };
    expect(await output("openai-compatible", environment)).toMatch(/^gpt-4o: \w+/);
  });

  test("ollama.ts answers, and says what to do without the model or the server", async () => {
    const environment = { OLLAMA_HOST: ollama.origin };
    expect(await output("ollama", environment)).toMatch(/\(\d+\.\d tokens\/s\)/);
    expect(await output("ollama", { ...environment, MODEL: "none" })).toContain("ollama pull none");
    const gone = await HttpService.start(ollamaService);
    const { origin } = gone;
    await gone.stop();
    expect(await output("ollama", { OLLAMA_HOST: origin })).toContain("ollama serve");
  });

  test("embeddings.ts compares texts", async () => {
    expect((await output("embeddings", account())).trim().split("\n")).toHaveLength(3);
  });
});
