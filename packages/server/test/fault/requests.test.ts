import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, type ModelServer, type RequestFailure } from "../../src/index.ts";
import { open, raw, rawRequest, statusOf } from "../support/raw-request.ts";
import { ScriptedLLM } from "../support/scripted-llm.ts";

const PATHS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/responses",
  "/v1/embeddings",
  "/v1/rerank",
  "/v1/messages",
].concat(["/v1/messages/count_tokens", "/api/chat", "/api/generate", "/api/embed", "/api/show"]);
const LIMIT = 20_000;

let server: ModelServer;
let origin = "";
const failures: RequestFailure[] = [];
beforeAll(async () => {
  server = createServer({
    port: 0,
    models: { m: new ScriptedLLM() },
    bodyLimitBytes: LIMIT,
    onFailure: (failure) => failures.push(failure),
  });
  origin = await server.listen();
});
afterAll(() => server.close(0));

const JSON_TYPE = { "content-type": "application/json" };
const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(origin + path, { method: "POST", body, headers: { ...JSON_TYPE, ...headers } });

/** Every dialect says what is wrong where its clients look for it. */
function messageOf(path: string, body: unknown): unknown {
  const { error } = body as { error: string | { message: string } };
  return path.startsWith("/api/") ? error : (error as { message: string }).message;
}

const deep = (depth: number) => `{"model":"m","messages":${"[".repeat(depth)}${"]".repeat(depth)}}`;
const bodies: [string, string | Uint8Array<ArrayBuffer>][] = [
  ["nothing", ""],
  ["half an object", '{"model": "m", "messages": ['],
  ["no JSON", "model=m"],
  ["a string", '"x"'],
  ["a list", "[]"],
  ["a number", "42"],
  ["null", "null"],
  ["invalid UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ["UTF-16", Buffer.from("\ufeff{}", "utf16le")],
  ["too deep", deep(9000)],
  ["no model", "{}"],
  ["a model that is no text", '{"model": {"a": 1}, "messages": [], "input": "x", "prompt": "x"}'],
  ["fields that nobody has", '{"model": "m", "__proto__": {"x": 1}, "no_such_field": 1}'],
];

describe.each(PATHS)("%s", (path) => {
  test.each(bodies)("refuses %s, and says so", async (_, body) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(400);
    expect(messageOf(path, await answer.json())).toMatch(/\w{3}/);
  });

  test("refuses what is too large, told in advance or not", async () => {
    const large = JSON.stringify({ model: "m", messages: "x".repeat(LIMIT) });
    const told = await post(path, large);
    expect(told.status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < large.length; sent += 1000) {
          controller.enqueue(new TextEncoder().encode(large.slice(sent, sent + 1000)));
        }
        controller.close();
      },
    });
    const init = { method: "POST", headers: JSON_TYPE, body: stream, duplex: "half" } as RequestInit;
    const untold = await fetch(origin + path, init);
    expect(untold.status).toBe(413);
  });

  test("refuses other kinds of bodies, and other methods", async () => {
    for (const type of ["text/plain", "multipart/form-data; boundary=x", "application/xml"]) {
      expect((await post(path, "{}", { "content-type": type })).status).toBe(415);
    }
    expect((await post(path, "{}", { "content-encoding": "gzip" })).status).toBe(415);
    const answer = await fetch(origin + path, { method: "DELETE" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

/** Where numbers of requests are, in each dialect. */
const VALUES = [Number.NaN, -1, 0, 1.5, 1e308, -1e308, 2 ** 53, "1", "", true, [], {}, [null]];
const NUMBERS: [string, (value: unknown) => object][] = [
  ...[
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "stop",
    "n",
    "tools",
    "tool_choice",
    "response_format",
    "reasoning",
    "thinking_budget",
  ].map((name): [string, (value: unknown) => object] => [
    "/v1/chat/completions",
    (value) => ({ messages: [{ role: "user", content: "x" }], [name]: value }),
  ]),
  ...["temperature", "top_p", "max_output_tokens", "tools", "tool_choice", "text", "reasoning", "input"].map(
    (name): [string, (value: unknown) => object] => [
      "/v1/responses",
      (value) => ({ input: "x", [name]: value }),
    ],
  ),
  ...[
    "temperature",
    "top_k",
    "max_tokens",
    "stop_sequences",
    "thinking",
    "system",
    "tool_choice",
    "tools",
  ].map((name): [string, (value: unknown) => object] => [
    "/v1/messages",
    (value) => ({ max_tokens: 9, messages: [{ role: "user", content: "x" }], [name]: value }),
  ]),
  ...["temperature", "top_p", "num_predict", "seed", "stop", "num_ctx"].map(
    (name): [string, (value: unknown) => object] => [
      "/api/chat",
      (value) => ({ messages: [{ role: "user", content: "x" }], options: { [name]: value }, stream: false }),
    ],
  ),
];

test("never fails for a value that a field cannot have", async () => {
  failures.length = 0;
  const statuses = new Map<number, number>();
  for (const [path, bodyOf] of NUMBERS) {
    for (const value of VALUES) {
      const { status } = await post(path, JSON.stringify({ model: "m", ...bodyOf(value) }));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  expect([...statuses.keys()].sort()).toEqual([200, 400]);
  expect(statuses.get(400)).toBeGreaterThan(200);
  expect(failures.every(({ status }) => status === 400)).toBe(true);
});

describe("a connection", () => {
  test.each([
    ["told in advance", { "content-length": `${20 * LIMIT}` }, "x".repeat(20 * LIMIT)],
    [
      "untold",
      { "transfer-encoding": "chunked" },
      `${`${LIMIT.toString(16)}\r\n${"x".repeat(LIMIT)}\r\n`.repeat(20)}0\r\n\r\n`,
    ],
  ])("that brings too much, %s, is read to the end and serves on", async (_, length, body) => {
    const socket = open(origin);
    const head = Object.entries({ host: "127.0.0.1", ...length }).map(([name, value]) => `${name}: ${value}`);
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
    socket.write(body.slice(0, 2 * LIMIT));
    const [refusal] = (await once(socket, "data")) as [Buffer];
    expect(statusOf(refusal.toString())).toBe(413);
    socket.write(body.slice(2 * LIMIT) + rawRequest("GET", "/health"));
    expect(await text(socket)).toContain("HTTP/1.1 200");
  });

  test.each([
    ["a request", rawRequest("POST", "/v1/chat/completions", { "content-length": "1000" }, "{")],
    ["its headers", "GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n"],
  ])("that brings half of %s is closed in time", async (_, half) => {
    const hurried = createServer({ port: 0, models: { m: new ScriptedLLM() }, requestTimeoutMs: 1500 });
    expect(statusOf(await raw(await hurried.listen(), half))).toBe(408);
    await hurried.close(0);
  });

  test("that speaks something else gets 400", async () => {
    expect(statusOf(await raw(origin, "\u0016\u0003\u0001 hello\r\n\r\n"))).toBe(400);
  });

  test("with headers that are too large, or that contradict each other, is refused", async () => {
    const large = rawRequest("GET", "/health", { "x-large": "x".repeat(40_000) });
    expect(statusOf(await raw(origin, large))).toBe(431);
    const two = rawRequest("POST", "/v1/chat/completions", { "transfer-encoding": "chunked" }, "0\r\n\r\n");
    expect(statusOf(await raw(origin, two))).toBe(400);
    expect(
      statusOf(
        await raw(origin, "GET /health HTTP/1.1\r\nhost: localhost\r\nhost: x\r\nconnection: close\r\n\r\n"),
      ),
    ).toBe(400);
  });

  test("that vanishes within its request leaves nothing behind", async () => {
    const socket = open(origin);
    socket.write(rawRequest("POST", "/v1/chat/completions", { "content-length": "1000" }, "{"));
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    const metrics = async () => (await fetch(`${origin}/metrics`)).text();
    await expect.poll(metrics).toContain("abstractllm_calls_running 0");
  });
});
