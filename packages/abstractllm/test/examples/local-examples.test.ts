import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const run = promisify(execFile);

/** Runs an example as a user does, on the model that the set-up brings. */
async function output(name: string, environment: Record<string, string> = {}): Promise<string> {
  const { PATH = "", HOME = "" } = process.env;
  const args = ["--import", "tsx", `examples/${name}.ts`];
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, env: { PATH, HOME, ...environment } });
  return stdout;
}

test.each([
  ["generate", /inputTokens: \d+.*decodeTokensPerSecond/s],
  ["stream", /\S\n\((stop|length) after \d+ tokens\)\n$/],
  ["conversation", /\n> And what river flows through it\?\n\w/],
  ["abort", /^left the loop after 3 parts\naborted: AbortError\n.*timeout of 20 ms\n$/],
  ["fallback", /\nanswered by \S+\.gguf\nwarning: .* was passed over/],
  ["files", /\ntext text\/markdown .*\ntabular text\/csv .*\ntext text\/plain data URL\n.*\n\d+ tokens\n$/s],
  ["vision", /^takes images: false\nvision: .* does not support vision inputs/],
  ["errors", /^UnsupportedProviderError .*\nInvalidParameterError .*\nModelNotFoundError /s],
  ["tools", /\((stop|length), \d+ tokens\)\n/],
  ["structured-output", /\w, \w|does not fit the schema/],
  ["ai-sdk", /\(40 tokens\)\n\[.*\].*(\d eggs|does not fit the schema: .*)\n$/s],
  ["adapters", /^alone: (\w.*)\nwith the adapter: (?!\1)\w/s],
  ["testing", /^passed; the model was asked 3 times\n$/],
  ["custom-provider", /text: 'there '.*finishReason: 'length'/s],
])(
  "%s.ts prints what it shows",
  async (name, expected) => {
    expect(await output(name)).toMatch(expected);
  },
  240_000,
);

test("rerank.ts prints the best documents", async () => {
  const text = await output("rerank", { RERANKER: "packages/mlx/test/goldens/tiny-reranker" });
  expect(text).toMatch(/^(\d\.\d{3} \S.*\n){2}$/);
}, 120_000);

test("session.ts goes on in a fork, and comes back from its file", async () => {
  const text = await output("session");
  expect(text).toContain("2 messages here, 4 in the fork");
  expect(text).toContain("4 messages loaded from ");
}, 120_000);

test("prompt-cache.ts reads its prompt once, however often it runs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "prompts-"));
  const [first, second] = [
    await output("prompt-cache", { PROMPTS: folder }),
    await output("prompt-cache", { PROMPTS: folder }),
  ];
  await rm(folder, { recursive: true });
  const known = /(\d+) of (\d+) tokens were known/;
  expect(first).toMatch(/\n0 of \d{3,} tokens were known/);
  const [, cached, all] = known.exec(second) ?? [];
  expect(Number(cached)).toBeGreaterThanOrEqual(Number(all) - 16); // the last tokens are always read
  expect(second.split(known)[0]).toBe(first.split(known)[0]);
}, 120_000);

test("chain.ts has the second member answer while nothing listens for the first", async () => {
  const text = await output("chain");
  expect(text).toMatch(/^openai-compatible failed, mlx is asked\nmlx: \w+/);
  expect(text).toContain("none is let through for");
}, 120_000);
