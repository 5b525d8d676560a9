import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { type DeltaPart, LLMStream } from "abstractllm";
import { expect, test } from "vitest";
import { toStream } from "./to-stream.ts";

const text: DeltaPart = { type: "text-delta", text: "so" };

/** An answer that has begun and goes on until it is ended, as the AI SDK gets it. */
async function begin(signal?: AbortSignal) {
  let own: AbortSignal | undefined;
  let fail = (_reason: unknown) => {};
  const stream = new LLMStream((emit, inner) => {
    own = inner;
    emit(text);
    return new Promise<never>((_, reject) => {
      fail = reject;
      inner.addEventListener("abort", () => reject(inner.reason));
    });
  });
  const rest = stream[Symbol.asyncIterator]();
  const { value: first = text } = await rest.next();
  const call = { messages: [], options: {}, optional: new Set<string>(), warnings: [] };
  const mapError = (error: unknown) => ({ mapped: error });
  const sent = toStream({ stream, first, rest, call }, { signal, includeRawChunks: false, mapError });
  return { reader: sent.getReader(), fail, isEnded: () => own?.aborted === true };
}

async function readAll(reader: ReadableStreamDefaultReader<LanguageModelV3StreamPart>) {
  const parts: LanguageModelV3StreamPart[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value);
  return parts;
}

test("a stream that nobody wants any more ends its answer", async () => {
  const { reader, isEnded } = await begin();
  expect((await reader.read()).value).toEqual({ type: "stream-start", warnings: [] });
  expect(isEnded()).toBe(false);
  await reader.cancel();
  expect(isEnded()).toBe(true);
});

test("an error is a part, and the end behind it says so", async () => {
  const { reader, fail } = await begin();
  const error = new Error("broken");
  fail(error);
  const parts = await readAll(reader);
  expect(parts.map(({ type }) => type)).toEqual([
    "stream-start",
    "text-start",
    "text-delta",
    "error",
    "finish",
  ]);
  expect(parts.at(-2)).toEqual({ type: "error", error: { mapped: error } });
  expect(parts.at(-1)).toMatchObject({ finishReason: { unified: "error" } });
});

test("an abort breaks the stream with its reason, as the AI SDK wants it", async () => {
  const controller = new AbortController();
  const { reader, fail } = await begin(controller.signal);
  const reason = new DOMException("enough", "AbortError");
  controller.abort(reason);
  fail(reason);
  await expect(readAll(reader)).rejects.toBe(reason);
});
