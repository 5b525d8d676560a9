import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixturePath } from "../media/fixture.ts";
import { COMPILERS, FreshProject, MODULES, readManifest, SETUP_TIMEOUT_MS } from "./fresh-project.ts";
import { loadedModules } from "./loaded-modules.ts";

let project: FreshProject;

beforeAll(async () => {
  project = await FreshProject.create(["abstractllm"], ["@types/node"]);
}, SETUP_TIMEOUT_MS);

afterAll(() => project.remove());

/** A package and all that it depends on. */
async function withDependencies(folder: string): Promise<Set<string>> {
  const { dependencies = {} } = await readManifest(folder);
  const folders = Object.keys(dependencies).map((name) => withDependencies(join(MODULES, name)));
  return new Set([folder, ...(await Promise.all(folders)).flatMap((set) => [...set])]);
}

const sizeBytes = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

describe("the core alone", () => {
  test("installs under 2 MB with at most five dependencies", async () => {
    const folders = await withDependencies(join(project.folder, "node_modules", "abstractllm"));
    expect(folders.size - 1).toBeLessThanOrEqual(5);
    const total = [...folders].reduce((sum, folder) => sum + sizeBytes(folder), 0);
    expect(total).toBeGreaterThan(100_000);
    expect(total).toBeLessThan(2_000_000);
  });

  test("is imported in under 100 ms of processor time, half of that where no neighbour slows its system calls", async () => {
    const code = `
      const before = process.cpuUsage();
      await import("abstractllm");
      const { user, system } = process.cpuUsage(before);
      console.log((user + system) / 1000);`;
    const times: number[] = [];
    for (let run = 0; run < 7; run++) times.push(Number((await project.run(code)).stdout));
    // the least of several: other programs can make an import slower, never faster
    const least = Math.min(...times);
    expect(least).toBeGreaterThan(0);
    expect(least).toBeLessThan(100);
  });

  test("loads no provider, no command line and no package when it is imported", async () => {
    const { files } = await loadedModules(project, [
      "--input-type=module",
      "--eval",
      `await import("abstractllm")`,
    ]);
    const own = pathToFileURL(join(project.folder, "node_modules", "abstractllm", "dist")).href;
    expect(files.length).toBeGreaterThan(1);
    expect(files.length).toBeLessThan(20);
    expect(files.filter((url) => !url.startsWith(own))).toEqual([]);
    const providers = /\/(mlx|openai|anthropic|huggingface|ollama|lmstudio|openai-compatible)\.js$|\/cli\//;
    expect(files.filter((url) => providers.test(url))).toEqual([]);
  });

  test.each(COMPILERS)(
    "has declarations that need no optional package, with TypeScript $version",
    async ({ tsc }) => {
      await project.write("program.ts", `export { createLLM } from "abstractllm";`);
      const options = [
        "--strict",
        "--noEmit",
        "--module",
        "nodenext",
        "--target",
        "es2023",
        "--lib",
        "es2023,esnext",
      ];
      const result = await project.node([tsc, ...options, "--types", "node", "program.ts"]);
      expect(result).toEqual({ stdout: "", stderr: "", status: 0 });
    },
    SETUP_TIMEOUT_MS,
  );

  test("refuses an unknown provider without loading a known one", async () => {
    const code = `const { createLLM } = await import("abstractllm"); await createLLM("none").catch(() => {});`;
    const { files } = await loadedModules(project, ["--input-type=module", "--eval", code]);
    expect(files.filter((url) => /\/(mlx|openai)\.js$/.test(url))).toEqual([]);
  });
});

describe("without an optional package", () => {
  test.each([
    ["two-pages.pdf", "pdf", "npm install pdfjs-dist"],
    ["word.docx", "docx", "npm install mammoth"],
  ])("reading %s says how to install its reader", async (name, feature, command) => {
    const { stdout } = await project.run(`
      const { DocumentInput } = await import("abstractllm");
      const error = await new DocumentInput(${JSON.stringify(fixturePath(name))}).text().catch((e) => e);
      console.log(JSON.stringify([error.name, error.feature, error.message]));`);
    expect(JSON.parse(stdout)).toEqual([
      "UnsupportedFeatureError",
      feature,
      expect.stringContaining(`which is not installed. Run: ${command}`),
    ]);
  });

  test.each([
    ["mlx", `createLLM("mlx")`, "npm install @abstractllm/mlx"],
    ["huggingface", `createLLM("huggingface", { local: true })`, "npm install @huggingface/transformers"],
    ["telemetry", `withTelemetry(await createLLM("ollama"))`, "npm install @opentelemetry/api"],
  ])("%s says how to install it", async (feature, call, command) => {
    const { stdout } = await project.run(`
      const { createLLM, withTelemetry } = await import("abstractllm");
      const error = await ${call}.catch((e) => e);
      console.log(JSON.stringify([error.name, error.feature, error.message]));`);
    expect(JSON.parse(stdout)).toEqual([
      "UnsupportedFeatureError",
      feature,
      expect.stringContaining(`which is not installed. Run: ${command}`),
    ]);
  });
});
