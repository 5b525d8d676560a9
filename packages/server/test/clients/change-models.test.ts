import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registerProvider } from "abstractllm";
import { Ollama } from "ollama";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createServer, type ModelServer, type ServerOptions } from "../../src/index.ts";
import { ScriptedLLM } from "../support/scripted-llm.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const FILES: Readonly<Record<string, Buffer>> = {
  "config.json": Buffer.from('{"model_type":"llama"}'),
  "model.safetensors": Buffer.alloc(200_000, 7),
};

const FILES_BYTES = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);

/** A hub over loopback with one model, `org/tiny`. */
const openHub = async (): Promise<Server> => {
  const hub = createHttpServer((request, response) => {
    const path = (request.url ?? "").replace(/\?.*$/, "");
    const file = FILES[path.replace(`/org/tiny/resolve/${COMMIT}/`, "")];
    if (path.startsWith("/api/models/org/tiny/revision/")) {
      const siblings = Object.entries(FILES).map(([rfilename, { length }]) => ({ rfilename, size: length }));
      response.setHeader("content-type", "application/json").end(JSON.stringify({ sha: COMMIT, siblings }));
    } else if (file === undefined) {
      response.writeHead(404, { "x-error-code": "RepoNotFound" }).end();
    } else {
      const etag = `"${createHash("sha256").update(file).digest("hex")}"`;
      response.writeHead(200, { etag, "x-repo-commit": COMMIT, "content-length": file.length });
      response.end(request.method === "HEAD" ? undefined : file);
    }
  });
  await new Promise<void>((resolve) => hub.listen(0, "127.0.0.1", resolve));
  return hub;
};

let hub: Server;
let cacheDir = "";
let server: ModelServer | undefined;
beforeEach(async () => {
  hub = await openHub();
  cacheDir = await mkdtemp(join(tmpdir(), "abstractllm-pull-"));
});
afterEach(async () => {
  await server?.close(0);
  hub.close();
  await rm(cacheDir, { recursive: true, force: true });
});

const serve = async (options: ServerOptions = {}): Promise<Ollama> => {
  const endpoint = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
  const otherModels = { provider: "mlx", endpoint, cacheDir };
  server = createServer({ port: 0, otherModels, allowModelChanges: true, ...options });
  return new Ollama({ host: await server.listen() });
};

const sizesOf = async (ollama: Ollama): Promise<number[]> =>
  (await ollama.list()).models.map(({ size }) => size);

const namesOf = async (ollama: Ollama): Promise<string[]> =>
  (await ollama.list()).models.map(({ name }) => name);

describe("Ollama's client", () => {
  test("downloads a model, sees how far it is, and deletes it", async () => {
    const ollama = await serve();
    expect(await namesOf(ollama)).toEqual([]);
    const lines = [];
    for await (const line of await ollama.pull({ model: "hf.co/org/tiny:latest", stream: true }))
      lines.push(line);
    expect(lines[0]).toEqual({ status: "pulling manifest" });
    expect(lines.at(-1)).toEqual({ status: "success" });
    const whole = lines.filter(({ completed, total }) => total !== undefined && completed === total);
    const sizes = Object.fromEntries(whole.map(({ status, total }) => [status, total]));
    expect(sizes).toEqual({ "pulling config.json": 22, "pulling model.safetensors": 200_000 });
    for (const { digest } of whole) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await namesOf(ollama)).toEqual(["org/tiny"]);
    expect(await sizesOf(ollama)).toEqual([FILES_BYTES]);
    expect(await ollama.pull({ model: "org/tiny" })).toEqual({ status: "success" });
    await ollama.delete({ model: "org/tiny" });
    expect(await namesOf(ollama)).toEqual([]);
    await expect(ollama.delete({ model: "org/tiny" })).rejects.toMatchObject({ status_code: 404 });
  });

  test("hears of a model that is not there, streamed and not", async () => {
    const ollama = await serve();
    await expect(ollama.pull({ model: "org/none" })).rejects.toMatchObject({ status_code: 404 });
    const streamed = async () => {
      for await (const _ of await ollama.pull({ model: "org/none", stream: true }));
    };
    await expect(streamed()).rejects.toThrow('The model "org/none" was not found');
  });

  test.each(["../org", "/etc/passwd", "tiny", "org/../tiny", "org/.."])(
    "names no files: %s",
    async (model) => {
      const ollama = await serve();
      for (const ask of [() => ollama.pull({ model }), () => ollama.delete({ model })])
        await expect(ask()).rejects.toMatchObject({ status_code: 400 });
    },
  );

  test("may change nothing where the operator did not allow it, and no model that the server was given", async () => {
    const forbidden = { status_code: 403 };
    const ollama = await serve({ allowModelChanges: undefined });
    await expect(ollama.pull({ model: "org/tiny" })).rejects.toMatchObject(forbidden);
    await expect(ollama.delete({ model: "org/tiny" })).rejects.toMatchObject(forbidden);
    await server?.close(0);
    const own = await serve({ models: { "org/tiny": new ScriptedLLM() } });
    await expect(own.delete({ model: "org/tiny:latest" })).rejects.toMatchObject(forbidden);
    await server?.close(0);
    const set = await serve({ models: { m: new ScriptedLLM() }, otherModels: undefined });
    await expect(set.pull({ model: "org/tiny" })).rejects.toMatchObject(forbidden);
  });

  test("hears that models are not made here", async () => {
    const ollama = await serve();
    for (const ask of [
      () => ollama.copy({ source: "a", destination: "b" }),
      () => ollama.create({ model: "a", from: "b" }),
      () => ollama.push({ model: "a" }),
    ])
      await expect(ask()).rejects.toThrow("repositories of the Hugging Face hub");
  });

  test.each([true, false])("gives a model back with its answer, streamed: %s", async (stream) => {
    registerProvider("scripted", async () => ({ createProvider: () => new ScriptedLLM() }));
    const ollama = await serve({ models: { small: { provider: "scripted" } }, otherModels: undefined });
    const messages = [{ role: "user", content: "x" }];
    const running = async () => (await ollama.ps()).models.map(({ name }) => name);
    await ollama.chat({ model: "small", messages, keep_alive: "5m" });
    expect(await running()).toEqual(["small"]);
    if (stream) for await (const _ of await ollama.chat({ model: "small", messages, stream, keep_alive: 0 }));
    else await ollama.generate({ model: "small", prompt: "x", keep_alive: "0s" });
    await vi.waitFor(async () => expect(await running()).toEqual([]));
  });
});
