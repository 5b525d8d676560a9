import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const run = promisify(execFile);

/** Runs an example as a user does, on the model that the set-up brings. */
async function output(name: string): Promise<string> {
  const { PATH = "", HOME = "" } = process.env;
  const args = ["--import", "tsx", `examples/${name}.ts`];
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, env: { PATH, HOME } });
  return stdout;
}

test("session.ts goes on in a fork, and comes back from its file", async () => {
  const text = await output("session");
  expect(text).toContain("2 messages here, 4 in the fork");
  expect(text).toContain("4 messages loaded from ");
}, 120_000);

test("chain.ts has the second member answer while nothing listens for the first", async () => {
  const text = await output("chain");
  expect(text).toMatch(/^openai-compatible failed, mlx is asked\nmlx: \w+/);
  expect(text).toContain("none is let through for");
}, 120_000);
