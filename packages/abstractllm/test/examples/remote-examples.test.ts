import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anthropicService } from "../services/anthropic-service.ts";
import { HttpService } from "../services/http-service.ts";
import { huggingFaceService } from "../services/huggingface-service.ts";
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

  test("anthropic.ts streams an answer, and what the model thinks", async () => {
    const service = await HttpService.start(anthropicService({ apiKey: "k" }));
    const environment = { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: service.origin };
    expect(await output("anthropic", environment)).toMatch(/\w+\n\(stop, \d+ tokens, 2 of them to think\)/);
    await service.stop();
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

  test("huggingface.ts answers, and lists the models", async () => {
    const service = await HttpService.start(huggingFaceService({ apiKey: "hf_k" }));
    const environment = { HF_TOKEN: "hf_k", BASE_URL: `${service.origin}/v1` };
    const lines = (await output("huggingface", environment)).trim().split("\n");
    expect(lines[0]).toMatch(/^openai\/gpt-oss-20b: \w+/);
    expect(lines.at(-1)).toBe("Qwen/Qwen2.5-VL-7B-Instruct: 131072 tokens, sees");
    await service.stop();
  });

  test("embeddings.ts compares texts", async () => {
    expect((await output("embeddings", account())).trim().split("\n")).toHaveLength(3);
  });
});
