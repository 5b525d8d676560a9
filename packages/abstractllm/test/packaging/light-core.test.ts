import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const CORE = new URL("../../dist/index.js", import.meta.url).href;

/** Reports every module that is resolved. */
const HOOKS = `
import { writeSync } from "node:fs";
export async function resolve(specifier, context, next) {
  const result = await next(specifier, context);
  writeSync(2, result.url + "\\n");
  return result;
}`;
const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
const REGISTER = dataUrl(
  `import { register } from "node:module"; register(${JSON.stringify(dataUrl(HOOKS))});`,
);

function modulesOf(code: string): string[] {
  const { stderr, status } = spawnSync(
    process.execPath,
    ["--import", REGISTER, "--input-type=module", "--eval", code],
    { encoding: "utf8" },
  );
  expect(status).toBe(0);
  return [...new Set(stderr.split("\n").filter((line) => /^(file|node):/.test(line)))];
}

test("importing the core loads no engine, no provider and no package", () => {
  const modules = modulesOf(`await import(${JSON.stringify(CORE)})`);
  const own = new URL("../../dist/", import.meta.url).href;
  expect(modules.length).toBeGreaterThan(10);
  expect(modules.length).toBeLessThan(250);
  expect(modules.filter((url) => !url.startsWith(own) && !url.startsWith("node:"))).toEqual([]);
  expect(modules.filter((url) => url.includes("/providers/mlx/") || url.includes("/cli/"))).toEqual([]);
});

test("an unknown provider is refused without loading a known one", () => {
  const modules = modulesOf(
    `const { createLLM } = await import(${JSON.stringify(CORE)}); await createLLM("none").catch(() => {});`,
  );
  expect(modules.filter((url) => url.includes("/providers/mlx/"))).toEqual([]);
});
