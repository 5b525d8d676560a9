import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HttpService } from "../services/http-service.ts";
import { openAIService } from "../services/openai-service.ts";
import { FreshProject, SETUP_TIMEOUT_MS } from "./fresh-project.ts";
import { loadedModules } from "./loaded-modules.ts";

/** Text that only the code of this provider has. */
const MARKS = {
  openai: "/responses/input_tokens",
  anthropic: "anthropic-version",
  ollama: "/api/chat",
  huggingface: "router.huggingface.co",
  mlx: "abstractllm.mlx.error",
};

const PROGRAM = `
import { createLLM } from "abstractllm";
const llm = await createLLM("openai", { model: "toy", baseUrl: process.env.BASE_URL, apiKey: "k" });
const { text } = await llm.generate("hello");
console.log(JSON.stringify({ text }));`;

const BUNDLERS = {
  esbuild: async (entry: string, folder: string) => {
    const { warnings } = await build({
      entryPoints: [entry],
      outdir: folder,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      outExtension: { ".js": ".mjs" },
    });
    expect(warnings).toEqual([]);
  },
  rolldown: async (entry: string, folder: string) => {
    const bundler = await rolldown({ input: entry, platform: "node", logLevel: "silent" });
    await bundler.write({ dir: folder, entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" });
    await bundler.close();
  },
};

let project: FreshProject;
let service: HttpService;

beforeAll(async () => {
  project = await FreshProject.create(["abstractllm"], []);
  service = await HttpService.start(openAIService({ models: ["toy"] }));
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await service.stop();
  await project.remove();
});

test.each(Object.keys(BUNDLERS) as (keyof typeof BUNDLERS)[])(
  "a program bundled by %s without settings runs, and loads the provider that it uses and no other",
  async (name) => {
    const entry = await project.write("program.mjs", PROGRAM);
    const folder = join(project.folder, name);
    await BUNDLERS[name](entry, folder);

    const { stdout, files } = await loadedModules(project, [join(folder, "program.mjs")], {
      BASE_URL: `${service.origin}/v1`,
    });
    expect(JSON.parse(stdout).text).not.toBe("");
    const loaded = files.map((url) => fileURLToPath(url));
    expect(loaded.filter((path) => !path.startsWith(folder))).toEqual([]); // the bundle is whole
    const unloaded = (await readdir(folder))
      .map((file) => join(folder, file))
      .filter((path) => !loaded.includes(path));

    expect(await marksIn(loaded)).toEqual(["openai"]);
    expect(await marksIn(unloaded)).toEqual(["anthropic", "ollama", "huggingface", "mlx"]);
  },
);

async function marksIn(paths: readonly string[]): Promise<string[]> {
  const code = (await Promise.all(paths.map((path) => readFile(path, "utf8")))).join("\n");
  return Object.entries(MARKS)
    .filter(([, mark]) => code.includes(mark))
    .map(([provider]) => provider);
}
