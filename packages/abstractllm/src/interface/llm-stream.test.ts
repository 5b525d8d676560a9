import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { GenerateResponse } from "./generate-response.ts";
import { LLMStream } from "./llm-stream.ts";
import type { StreamPart } from "./stream-part.ts";

const RESPONSE: GenerateResponse = {
  text: "ab",
  toolCalls: [],
  messages: [],
  usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3, cachedInputTokens: 0, reasoningTokens: 0 },
  finishReason: "stop",
  rawFinishReason: "eos",
  warnings: [],
  model: "m",
  provider: "p",
  raw: undefined,
};

/** Emits two deltas, a turn of the event loop apart, unless it is aborted. */
function twoDeltas(): LLMStream {
  return new LLMStream(async (emit, signal) => {
    for (const text of ["a", "b"]) {
      await turn(undefined, { signal });
      emit({ type: "text-delta", text });
    }
    return RESPONSE;
  });
}

async function collect(stream: LLMStream): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

describe("a stream", () => {
  test("ends with exactly one finish, and the response is the whole", async () => {
    const stream = twoDeltas();
    expect((await collect(stream)).map((part) => part.type)).toEqual(["text-delta", "text-delta", "finish"]);
    expect(await stream.response).toBe(RESPONSE);
  });

  test("keeps its parts for a reader who comes late", async () => {
    const stream = twoDeltas();
    await stream.response;
    expect(await collect(stream)).toHaveLength(3);
  });

  test("serves several reads at once, in order", async () => {
    const iterator = twoDeltas()[Symbol.asyncIterator]();
    const results = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
    expect(results.map(({ done, value }) => (done ? "done" : value.type))).toEqual([
      "text-delta",
      "text-delta",
      "finish",
      "done",
    ]);
  });

  test("ends with exactly one error, which the response rejects with", async () => {
    const failure = new Error("broke");
    const stream = new LLMStream(async (emit) => {
      emit({ type: "text-delta", text: "a" });
      throw failure;
    });
    expect(await collect(stream)).toEqual([
      { type: "text-delta", text: "a" },
      { type: "error", error: failure },
    ]);
    await expect(stream.response).rejects.toBe(failure);
  });

  test("that nobody looks at causes no unhandled rejection", async () => {
    const seen: unknown[] = [];
    const listener = (reason: unknown) => seen.push(reason);
    process.on("unhandledRejection", listener);
    new LLMStream(async () => {
      throw new Error("nobody sees this");
    });
    await turn();
    await turn();
    process.off("unhandledRejection", listener);
    expect(seen).toEqual([]);
  });

  test("that is left early aborts its producer and ends", async () => {
    let aborted: AbortSignal | undefined;
    const stream = new LLMStream(async (emit, signal) => {
      aborted = signal;
      emit({ type: "text-delta", text: "a" });
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return RESPONSE;
    });
    for await (const part of stream) if (part.type === "text-delta") break;
    expect(aborted?.aborted).toBe(true);
    await expect(stream.response).rejects.toMatchObject({ name: "AbortError" });
  });

  test("that is aborted ends with the reason, also when the producer goes on to its end", async () => {
    const stream = new LLMStream(async () => {
      await turn();
      return RESPONSE;
    });
    const reason = new Error("enough");
    stream.abort(reason);
    expect(await collect(stream)).toEqual([{ type: "error", error: reason }]);
    await expect(stream.response).rejects.toBe(reason);
  });

  test("gives nothing after its end, whatever the producer does", async () => {
    let emitLate = (): void => {};
    const stream = new LLMStream(async (emit) => {
      emitLate = () => emit({ type: "text-delta", text: "late" });
      return RESPONSE;
    });
    await stream.response;
    emitLate();
    expect((await collect(stream)).map((part) => part.type)).toEqual(["finish"]);
  });

  test("tells what is written of the latest answer, also when it breaks off", async () => {
    const stream = new LLMStream(async (emit) => {
      emit({ type: "text-delta", text: "first" });
      emit({ type: "reasoning-delta", text: "why" });
      const { finishReason, rawFinishReason, usage } = RESPONSE;
      emit({ type: "step-finish", finishReason, rawFinishReason, usage });
      emit({ type: "text-delta", text: "a" });
      emit({ type: "text-delta", text: "b" });
      await turn();
      throw new Error("broke");
    });
    expect(stream.written).toEqual({ text: "ab", reasoning: "" });
    await stream.response.catch(() => {});
    expect(stream.written).toEqual({ text: "ab", reasoning: "" });
  });

  test("is handed out once", async () => {
    const stream = twoDeltas();
    await collect(stream);
    expect(() => stream[Symbol.asyncIterator]()).toThrow("read once");
  });
});
