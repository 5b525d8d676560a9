import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { createServer, type ModelServer, type ServerOptions } from "../../src/index.ts";
import { open, rawRequest } from "../support/raw-request.ts";
import { type ScriptedAnswer, ScriptedLLM } from "../support/scripted-llm.ts";

let server: ModelServer | undefined;
afterEach(() => server?.close(0));

async function serve(script: readonly ScriptedAnswer[], options: ServerOptions = {}) {
  const llm = new ScriptedLLM(script);
  server = createServer({ port: 0, models: { m: llm }, ...options });
  return { llm, server, origin: await server.listen() };
}

const body = (stream: boolean) =>
  JSON.stringify({ model: "m", stream, messages: [{ role: "user", content: "x" }] });
const post = (origin: string, stream = false) =>
  fetch(`${origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: body(stream),
  });

/** What a gate holds back until it is opened. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

test("a hundred requests at once are all answered, and counted", async () => {
  const { origin } = await serve([{ text: "Hello" }]);
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => post(origin, index % 2 === 0)));
  expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  expect(texts.filter((text) => text.includes("[DONE]"))).toHaveLength(50);
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  expect(metrics).toContain('abstractllm_requests_total{route="/v1/chat/completions",status="200"} 100');
  expect(metrics).toContain('abstractllm_tokens_total{kind="output"} 500');
  expect(metrics).toContain("abstractllm_time_to_first_token_seconds_count 100");
  expect(metrics).toContain("abstractllm_calls_running 0");
});

test("a client that does not read has its model stopped after a while", async () => {
  const { origin, llm } = await serve([{ isEndless: true }], { stallTimeoutMs: 300 });
  const socket = open(origin).pause();
  socket.write(
    rawRequest("POST", "/v1/chat/completions", { "content-type": "application/json" }, body(true)),
  );
  await expect.poll(() => llm.aborted).toBe(1);
  socket.destroy();
});

test("a long silence is broken by signs of life, that clients pass over", async () => {
  const { open: release, opened } = gate();
  const { origin } = await serve([{ text: "Hi", after: opened }], { keepAliveMs: 20 });
  const answer = await post(origin, true);
  const reader = (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toMatch(/^: keep-alive\n\n/);
  release();
  let rest = "";
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) rest += chunk.value;
  expect(rest).toContain('"content":"Hi"');
});

test("closing lets answers finish, and takes no more", async () => {
  const { open: release, opened } = gate();
  const { origin, llm, server } = await serve([{ text: "Hi", after: opened }]);
  const asked = post(origin, true);
  await expect.poll(() => llm.calls.length).toBe(1);
  const closed = server.close(60_000);
  await expect(post(origin)).rejects.toThrow();
  release();
  expect(await (await asked).text()).toContain("[DONE]");
  await closed;
});

test("closing aborts what takes too long, and tells its clients", async () => {
  const { origin, llm, server } = await serve([{ text: "Once", isEndless: true }]);
  const answer = await post(origin, true);
  const text = answer.text();
  await expect.poll(() => llm.pieces).toBeGreaterThan(3);
  await server.close(20);
  await expect.poll(() => llm.aborted).toBe(1);
  expect(await text).toContain("The server is shutting down");
});

test("more connections than it takes are turned away", async () => {
  const { origin, server } = await serve([{ text: "Hi" }], { maxConnections: 2 });
  const held = [open(origin), open(origin)];
  await Promise.all(held.map((socket) => once(socket, "connect")));
  await expect.poll(() => server.http.listening).toBe(true);
  const third = open(origin);
  await once(third, "close");
  for (const socket of held) socket.destroy();
});
