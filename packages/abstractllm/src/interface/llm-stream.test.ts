import { Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
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

  test("has not begun when only the prompt was read", async () => {
    const stream = new LLMStream(async (emit) => {
      emit({ type: "prompt-usage", inputTokens: 1, cachedInputTokens: 0 });
      throw new Error("before the first word");
    });
    await expect(stream.started).rejects.toThrow("before the first word");
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

/** Says "a", then goes on until it is aborted; `signals` has the signal that did. */
function endless(signals: AbortSignal[]): LLMStream {
  return new LLMStream(async (emit, signal) => {
    signals.push(signal);
    emit({ type: "text-delta", text: "a" });
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return RESPONSE;
  });
}

describe("the start of a stream", () => {
  test("comes with the first part, whatever happens later", async () => {
    const stream = new LLMStream(async (emit) => {
      await turn();
      emit({ type: "text-delta", text: "a" });
      throw new Error("broke");
    });
    await stream.started;
    expect(stream.written.text).toBe("a");
    await expect(stream.response).rejects.toThrow("broke");
    expect(await collect(stream)).toHaveLength(2);
  });

  test("comes with the end of an answer without parts", async () => {
    expect(await new LLMStream(async () => RESPONSE).started).toBeUndefined();
  });

  test("fails with what fails before", async () => {
    const failure = new Error("no model");
    const stream = new LLMStream(async () => {
      throw failure;
    });
    await expect(stream.started).rejects.toBe(failure);
  });

  test("fails when the stream is left before", async () => {
    const stream = new LLMStream(async (_, signal) => {
      await turn();
      signal.throwIfAborted();
      return RESPONSE;
    });
    await stream.textStream.cancel();
    await expect(stream.started).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("the text of a stream", () => {
  test("is the pieces of text and nothing else", async () => {
    const stream = new LLMStream(async (emit) => {
      emit({ type: "reasoning-delta", text: "why" });
      emit({ type: "text-delta", text: "a" });
      emit({ type: "text-delta", text: "" });
      const { finishReason, rawFinishReason, usage } = RESPONSE;
      emit({ type: "step-finish", finishReason, rawFinishReason, usage });
      emit({ type: "text-delta", text: "b" });
      return RESPONSE;
    });
    const pieces: string[] = [];
    for await (const text of stream.textStream) pieces.push(text);
    expect(pieces).toEqual(["a", "b"]);
    expect(await stream.response).toBe(RESPONSE);
  });

  test("throws what the answer broke off with, behind what there was", async () => {
    const failure = new Error("broke");
    const stream = new LLMStream(async (emit) => {
      emit({ type: "text-delta", text: "a" });
      throw failure;
    });
    const pieces: string[] = [];
    const read = async () => {
      for await (const text of stream.textStream) pieces.push(text);
    };
    await expect(read()).rejects.toBe(failure);
    expect(pieces).toEqual(["a"]);
  });

  test.each<[string, (stream: LLMStream) => Promise<unknown>]>([
    [
      "left early",
      async (stream) => {
        for await (const _ of stream.textStream) break;
      },
    ],
    [
      "cancelled as a web stream",
      async (stream) => {
        const reader = stream.textStream.getReader();
        await reader.read();
        await reader.cancel();
      },
    ],
    ["cancelled before it is read", (stream) => stream.textStream.cancel()],
  ])("aborts the generation when it is %s", async (_, leave) => {
    const signals: AbortSignal[] = [];
    const stream = endless(signals);
    await leave(stream);
    expect(signals[0]?.aborted).toBe(true);
    await expect(stream.response).rejects.toMatchObject({ name: "AbortError" });
  });

  test("is the body of a web response", async () => {
    const body = twoDeltas().textStream.pipeThrough(new TextEncoderStream());
    expect(await new Response(body).text()).toBe("ab");
  });

  test("is a stream of Node's", async () => {
    expect(await readAll(Readable.from(twoDeltas().textStream))).toBe("ab");
  });

  test("takes parts only when it is read", async () => {
    const stream = twoDeltas();
    void stream.textStream;
    expect(await collect(stream)).toHaveLength(3);
    await expect(stream.textStream.getReader().read()).rejects.toThrow("read once");
  });
});
