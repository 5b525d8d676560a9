import { spawnSync } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixturePath } from "../media/fixture.ts";

const BUILT = fileURLToPath(new URL("../../dist", import.meta.url));

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-alone-"));
  await cp(BUILT, join(folder, "dist"), { recursive: true }); // no node_modules above it
  await cp(fileURLToPath(new URL("../../package.json", import.meta.url)), join(folder, "package.json"));
});

afterAll(() => rm(folder, { recursive: true }));

test("without the package for models of Hugging Face in this process says how to install it", () => {
  const code = `
    const { createLLM } = await import("./dist/index.js");
    const error = await createLLM("huggingface", { local: true }).catch((e) => e);
    console.log(JSON.stringify([error.name, error.feature, error.message]));`;
  expect(JSON.parse(run(code))).toEqual([
    "UnsupportedFeatureError",
    "huggingface",
    expect.stringContaining("npm install @huggingface/transformers"),
  ]);
});

test.each([
  ["two-pages.pdf", "pdf", "npm install pdfjs-dist"],
  ["word.docx", "docx", "npm install mammoth"],
])("without the package for %s says how to install it", (name, feature, command) => {
  const code = `
    const { DocumentInput } = await import("./dist/index.js");
    const error = await new DocumentInput(${JSON.stringify(fixturePath(name))}).text().catch((e) => e);
    console.log(JSON.stringify([error.name, error.feature, error.message]));`;
  expect(JSON.parse(run(code))).toEqual([
    "UnsupportedFeatureError",
    feature,
    expect.stringContaining(`which is not installed. Run: ${command}`),
  ]);
});

/** What a program prints that has the package and nothing else. */
function run(code: string): string {
  const options = { cwd: folder, encoding: "utf8" } as const;
  return spawnSync(process.execPath, ["--input-type=module", "--eval", code], options).stdout;
}
