import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SETUP_MODEL } from "../support/models.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-server-"));
});
afterAll(() => rm(folder, { recursive: true }));

function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env.PATH, HOME: folder, ...env },
  });
  const ended = once(child, "close").then(([status]) => status as number | null);
  return { child, ended, stderr: text(child.stderr) };
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const { child, ended, stderr } = start(args, env);
  const [stdout, errors, status] = await Promise.all([text(child.stdout), stderr, ended]);
  return { stdout, stderr: errors, status };
}

test("serves a model until it is stopped, and ends with 0", async () => {
  const config = join(folder, "server.json");
  await writeFile(config, JSON.stringify({ models: { other: { provider: "ollama" } }, port: 1 }));
  const args = ["--config", config, "--model", `gpt-4o=${SETUP_MODEL}`, "--port", "0"];
  const { child, ended, stderr } = start(args, { ABSTRACTLLM_SERVER_API_KEY: "k" });
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  const origin = /http:\S+/.exec(line)?.[0] ?? "";
  const headers = { authorization: "Bearer k", "content-type": "application/json" };
  expect((await fetch(`${origin}/v1/models`)).status).toBe(401);
  const { data } = (await (await fetch(`${origin}/v1/models`, { headers })).json()) as { data: object[] };
  expect(data).toMatchObject([{ id: "other" }, { id: "gpt-4o" }]);
  const messages = [{ role: "user", content: "Say hi." }];
  const body = JSON.stringify({ model: "gpt-4o", messages, max_tokens: 2, temperature: 0 });
  const answer = await fetch(`${origin}/v1/chat/completions`, { method: "POST", headers, body });
  expect(await answer.json()).toMatchObject({ usage: { completion_tokens: 2 } });
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  expect(await stderr).toBe("Stopping; answers have ten seconds to finish\n");
});

test("need not read what was read before a restart", async () => {
  const args = ["--model", `m=${SETUP_MODEL}`, "--port", "0", "--prompt-cache-path", join(folder, "prompts")];
  const content = "Say hi to everybody who has come. ".repeat(12);
  const read: number[] = [];
  for (let run = 0; run < 2; run++) {
    const { child, ended } = start(args);
    const [line] = await once(child.stdout.setEncoding("utf8"), "data");
    const body = JSON.stringify({ model: "m", messages: [{ role: "user", content }], max_tokens: 2 });
    const headers = { "content-type": "application/json" };
    const url = `${/http:\S+/.exec(line)?.[0]}/v1/chat/completions`;
    const { usage } = (await (await fetch(url, { method: "POST", headers, body })).json()) as {
      usage: { prompt_tokens: number; prompt_tokens_details?: { cached_tokens: number } };
    };
    read.push(usage.prompt_tokens - (usage.prompt_tokens_details?.cached_tokens ?? 0));
    child.kill("SIGTERM");
    await ended;
  }
  const [first, second] = read;
  expect(first).toBeGreaterThan(64);
  expect(second).toBeLessThanOrEqual(16); // the last tokens are always read
});

test("shows its help and version", async () => {
  const help = await run(["--help"]);
  expect(help).toMatchObject({ status: 0, stderr: "" });
  expect(help.stdout).toContain("--model [NAME=]MODEL");
  expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [["--modle", "x"], "--modle"],
  [["--port", "many"], 'Expected a whole number for --port but received "many"'],
  [["--adapter", "sql"], 'Expected NAME=ADAPTER for --adapter but received "sql"'],
  [["--adapter-path", "x"], "are for the models of --model; give one"],
  [["--host", "0.0.0.0"], "Others can reach 0.0.0.0; give --api-key, or --allow-public to serve everybody"],
  [["--port", "70000"], "for --port but received 70000"],
  [["--cors", "no origin"], "for --cors but received array"],
  [["--config", "/no/such/file"], "/no/such/file cannot be read: there is no such file\n"],
])("refuses %j", async (args, message) => {
  const { status, stderr } = await run(args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

test("never shows what is in a file that is no JSON", async () => {
  const config = join(folder, "broken.json");
  await writeFile(config, '{ "apiKey": sk-canary }');
  const { status, stderr } = await run(["--config", config]);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: `error: ${config} cannot be read: it is no JSON\n`,
  });
});
