import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SETUP_MODEL } from "../setup-model.ts";
import { grammarProblem } from "../support/grammar-problem.ts";
import { COMPILERS, FreshProject, readManifest, SETUP_TIMEOUT_MS } from "./fresh-project.ts";

const EXAMPLES = fileURLToPath(new URL("../../../../examples", import.meta.url));
const NAMES = [
  "abstractllm",
  "@abstractllm/mlx",
  `@abstractllm/mlx-${process.platform}-${process.arch}`,
  "@abstractllm/server",
  "@abstractllm/ai-sdk",
];

let project: FreshProject;

beforeAll(async () => {
  project = await FreshProject.create(NAMES, ["@types/node", "ai", "ai-6", "zod"]);
  await cp(EXAMPLES, join(project.folder, "src"), { recursive: true });
  const example = await readFile(join(EXAMPLES, "ai-sdk.ts"), "utf8");
  await project.write("src/ai-sdk-6.ts", example.replace('from "ai"', 'from "ai-6"'));
  await project.write("src/common.cts", COMMON);
  const { exports } = await manifestOf("@abstractllm/mlx");
  const imports = Object.keys(exports ?? {}).filter((path) => path !== "./package.json");
  const engine = imports.map(
    (path, index) => `export * as _${index} from "@abstractllm/mlx${path.slice(1)}";`,
  );
  await project.write("src/engine.ts", engine.join("\n")); // every declaration of the engine
  await project.write("src/server.ts", SERVER);
  await project.write("src/provider.ts", `export * from "@abstractllm/ai-sdk";`);
}, SETUP_TIMEOUT_MS);

afterAll(() => project.remove());

const manifestOf = (name: string) => readManifest(join(project.folder, "node_modules", name));

/** A strict project that runs. */
const compilerOptions = {
  strict: true,
  target: "es2023",
  lib: ["es2023", "esnext.disposable"],
  types: ["node"],
  rootDir: "src",
  rewriteRelativeImportExtensions: true,
};

/** What `tsc --init` asks for besides. */
const INIT = {
  skipLibCheck: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUncheckedSideEffectImports: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  moduleDetection: "force",
};

/** CommonJS as Node 20.19 and later take it. */
const COMMON = `
import abstractllm = require("abstractllm");
import core = require("@abstractllm/mlx/core");
const names: string[] = abstractllm.getAvailableProviders();
console.log(names.includes("mlx"), core.array([1, 2]).shape);`;

/** Has a model of the engine answer over HTTP. */
const SERVER = `
import { createServer, type ServerOptions } from "@abstractllm/server";
const models = { small: { provider: "mlx", model: String(process.env.MODEL), maxTokens: 1 } };
const options: ServerOptions = { port: 0, models };
const server = createServer(options);
const body = JSON.stringify({ model: "small", messages: [{ role: "user", content: "Hi" }] });
const request = { method: "POST", headers: { "content-type": "application/json" }, body };
const answer = await fetch((await server.listen()) + "/v1/chat/completions", request);
console.log(answer.status);
await server.close();`;

describe("a fresh project", () => {
  const nodenext = { module: "nodenext", moduleResolution: "nodenext", outDir: "out" };
  const resolutions = [
    // declarations of the packages are checked too; those of the AI SDK itself want a browser's
    { resolution: { ...nodenext, skipLibCheck: false }, exclude: ["src/ai-sdk.ts", "src/ai-sdk-6.ts"] },
    { resolution: { ...nodenext, ...INIT }, exclude: [] },
    {
      resolution: { module: "esnext", moduleResolution: "bundler", noEmit: true, skipLibCheck: true },
      exclude: ["src/common.cts"],
    },
  ];
  test.each(COMPILERS.flatMap((compiler) => resolutions.map((each) => ({ ...compiler, ...each }))))(
    "compiles by TypeScript $version with module resolution $resolution.moduleResolution, without $exclude",
    async ({ tsc, resolution, exclude }) => {
      await project.write("tsconfig.json", {
        compilerOptions: { ...compilerOptions, ...resolution },
        include: ["src"],
        exclude,
      });
      expect(await project.node([tsc, "-p", "."])).toEqual({ stdout: "", stderr: "", status: 0 });
    },
    SETUP_TIMEOUT_MS,
  );

  test("runs an example with the prebuilt addon", async () => {
    const { stdout, stderr, status } = await project.node(["out/conversation.js"], { MODEL: SETUP_MODEL });
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout).toMatch(/\w+/);
  });

  test("runs a model in code that the command line gives", async () => {
    const { stdout, stderr } = await project.run(`
      import { createLLM } from "abstractllm";
      const llm = await createLLM("mlx", { model: ${JSON.stringify(SETUP_MODEL)} });
      console.log(JSON.stringify(await llm.generate("Hi", { maxTokens: 1 })));`);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).usage.outputTokens).toBe(1);
  });

  test.skipIf(grammarProblem !== undefined)(
    `holds an answer to a schema${grammarProblem ?? ""}`,
    async () => {
      const { stdout, stderr } = await project.run(`
      import { createLLM } from "abstractllm";
      const llm = await createLLM("mlx", { model: ${JSON.stringify(SETUP_MODEL)}, temperature: 1 });
      const schema = { type: "array", items: { type: "boolean" }, minItems: 3, maxItems: 3 };
      const { object, rawFinishReason } = await llm.generate("Hi", { schema });
      console.log(JSON.stringify({ object, rawFinishReason }));`);
      expect(stderr).toBe("");
      const values = Array(3).fill(expect.any(Boolean));
      expect(JSON.parse(stdout)).toEqual({ object: values, rawFinishReason: "constraint" });
    },
  );

  test("serves a model", async () => {
    const served = await project.node(["out/server.js"], { MODEL: SETUP_MODEL });
    expect(served).toEqual({ stdout: "200\n", stderr: "", status: 0 });
    const command = join("node_modules", ".bin", "abstractllm-server");
    const { version } = await manifestOf("@abstractllm/server");
    expect((await project.node([command, "--version"])).stdout).toBe(`${version}\n`);
  });

  test.each(["ai-sdk", "ai-sdk-6"])("answers for the AI SDK: %s", async (name) => {
    const { stdout, stderr, status } = await project.node([`out/${name}.js`], { MODEL: SETUP_MODEL });
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout).toContain("(40 tokens)");
  });

  test("takes the packages by require", async () => {
    expect(await project.node(["out/common.cjs"])).toEqual({ stdout: "true [ 2 ]\n", stderr: "", status: 0 });
  });

  test("has the command line", async () => {
    const command = join("node_modules", ".bin", "abstractllm");
    const { version } = await manifestOf("abstractllm");
    expect((await project.node([command, "--version"])).stdout).toBe(`${version}\n`);
    const { stdout, status } = await project.node([command, "doctor"]);
    expect(stdout).toContain("libmlx");
    expect(status).toBe(0);
  });
});

describe.each(NAMES)("%s", (name) => {
  const packed = () => {
    const found = project.packed.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} was not packed`);
    return found;
  };

  test("is what npm and bundlers expect", async () => {
    const { messages } = await publint({ pkgDir: packed().folder, strict: true, pack: false });
    expect(messages).toEqual([]);
  });

  test("has types that resolve wherever ES modules do", async () => {
    const tarball = createPackageFromTarballData(new Uint8Array(await readFile(packed().tarball)));
    const result = await checkPackage(tarball);
    const problems = result.types === false ? [] : result.problems;
    // these two resolutions know no ES modules: TypeScript's from before `exports`, and `require` as Node 18 had it
    const withoutModules = ["node10", "node16-cjs"];
    const isOurs = (problem: object) =>
      !("resolutionKind" in problem && withoutModules.includes(String(problem.resolutionKind)));
    expect(problems.filter(isOurs)).toEqual([]);
  });

  test("holds its licence, and no map of sources that it lacks", async () => {
    const { folder } = packed();
    expect(await readFile(join(folder, "LICENSE"), "utf8")).toContain("MIT");
    const names = await readdir(folder, { recursive: true });
    expect(names.filter((each) => each.endsWith(".map"))).toEqual([]);
  });
});
