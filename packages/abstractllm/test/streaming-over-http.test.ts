/** The handlers of docs/streaming.md, with real clients. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AbstractLLM, LLMStream } from "../src/index.ts";
import { type FakeAnswer, FakeLLM } from "../src/testing/index.ts";

/** More text than the buffers between a server and its client hold. */
const LONG = "word ".repeat(20_000);

async function serve(handle: RequestListener): Promise<string> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers each request of a server of Node's with a stream, which it keeps in `streams`. */
function nodeHandler(llm: AbstractLLM, streams: LLMStream[]): RequestListener {
  return async (_, response) => {
    const stream = llm.stream("Tell me a story");
    streams.push(stream);
    response.once("close", () => stream.abort());
    try {
      await stream.started;
      await pipeline(stream.textStream, response);
    } catch {
      if (!response.headersSent) response.writeHead(503).end("No answer");
    }
  };
}

async function nodeServer(answer: FakeAnswer): Promise<{ origin: string; streams: LLMStream[] }> {
  const streams: LLMStream[] = [];
  return { origin: await serve(nodeHandler(new FakeLLM([answer]), streams)), streams };
}

describe("a stream through a server of Node's", () => {
  test("comes whole, also to a client that reads when all is written", async () => {
    const { origin, streams } = await nodeServer({ text: LONG });
    const response = await fetch(origin);
    await streams[0]?.response;
    expect(await response.text()).toBe(LONG);
  });

  test("ends with its client", async () => {
    const { origin, streams } = await nodeServer({ text: LONG, delayMs: 5 });
    const client = new AbortController();
    const response = await fetch(origin, { signal: client.signal });
    await response.body?.getReader().read();
    client.abort();
    await expect(streams[0]?.response).rejects.toMatchObject({ name: "AbortError" });
  });

  test("ends with a client that goes before the first word", async () => {
    const { origin, streams } = await nodeServer({ text: LONG, delayMs: 100_000 });
    const client = new AbortController();
    const response = fetch(origin, { signal: client.signal });
    await expect.poll(() => streams.length).toBe(1);
    client.abort();
    await expect(response).rejects.toMatchObject({ name: "AbortError" });
    await expect(streams[0]?.response).rejects.toMatchObject({ name: "AbortError" });
  });

  test("has the status of a failure before the first word", async () => {
    const { origin } = await nodeServer({ error: new Error("no model") });
    expect((await fetch(origin)).status).toBe(503);
  });

  test("is not taken for whole when it breaks off", async () => {
    const { origin } = await nodeServer({ text: "one two", error: new Error("broke") });
    await expect(fetch(origin).then((response) => response.text())).rejects.toThrow("terminated");
  });
});

describe("a stream as a web response", () => {
  test("comes whole", async () => {
    const { textStream } = new FakeLLM([LONG]).stream("x");
    expect(await new Response(textStream.pipeThrough(new TextEncoderStream())).text()).toBe(LONG);
  });

  test("ends when its body is cancelled", async () => {
    const stream = new FakeLLM([{ text: LONG, delayMs: 5 }]).stream("x");
    const reader = stream.textStream.pipeThrough(new TextEncoderStream()).getReader();
    await reader.read();
    await reader.cancel();
    await expect(stream.response).rejects.toMatchObject({ name: "AbortError" });
  });
});
