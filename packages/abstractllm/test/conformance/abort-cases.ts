import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AbstractLLM, StreamPart } from "../../src/index.ts";
import type { Subject } from "./subject.ts";

const PROMPT = "The capital of France is";
const LONG = "word ".repeat(40);

/** How every provider stops: at each phase, with the caller's reason, leaving the next answer as it was. */
export function abortCases(subject: Subject): void {
  describe("aborting", () => {
    let llm: AbstractLLM;
    let undisturbed = "";
    const reason = new Error("enough");

    beforeAll(async () => {
      llm = await subject.open();
      undisturbed = (await llm.generate(PROMPT, { maxTokens: 2 })).text;
    });
    afterAll(async () => {
      await llm.unload();
    });

    const expectUndisturbed = async () => {
      expect((await llm.generate(PROMPT, { maxTokens: 2 })).text).toBe(undisturbed);
    };

    test("before the call", async () => {
      const signal = AbortSignal.abort(reason);
      await expect(llm.generate(PROMPT, { signal })).rejects.toBe(reason);
      expect(await lastPart(llm.stream(PROMPT, { signal }))).toEqual({ type: "error", error: reason });
      await expect(llm.countTokens(PROMPT, { signal })).rejects.toBe(reason);
      await expectUndisturbed();
    });

    test("while the model loads", async () => {
      if (subject.lacks.has("loading")) {
        return expect(llm.load({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      }
      await llm.unload();
      const controller = new AbortController();
      const loading = llm.load({ signal: controller.signal });
      setImmediate(() => controller.abort(reason));
      await expect(loading).rejects.toBe(reason);
      await expectUndisturbed();
    });

    test("while the prompt is read", async () => {
      const controller = new AbortController();
      const answer = llm.generate(LONG, { signal: controller.signal, ...subject.endless });
      setTimeout(() => controller.abort(reason), 20);
      await expect(answer).rejects.toBe(reason);
      await expectUndisturbed();
    });

    test("while the answer is written", async () => {
      const controller = new AbortController();
      const stream = llm.stream(PROMPT, { signal: controller.signal, ...subject.endless });
      const types: string[] = [];
      for await (const part of stream) {
        types.push(part.type);
        if (types.length === 2) controller.abort(reason);
      }
      expect(types.at(-1)).toBe("error");
      expect(types.length).toBeLessThan(10);
      await expect(stream.response).rejects.toBe(reason);
      await expectUndisturbed();
    });

    test("while it waits for another answer", async () => {
      const controller = new AbortController();
      const first = llm.generate(PROMPT, { maxTokens: 2 });
      const second = llm.generate(PROMPT, { signal: controller.signal, maxTokens: 2 });
      controller.abort(reason);
      await expect(second).rejects.toBe(reason);
      expect((await first).text).toBe(undisturbed);
    });

    test("by leaving the loop", async () => {
      const stream = llm.stream(PROMPT, subject.endless);
      for await (const part of stream) if (part.type === "text-delta") break;
      await expect(stream.response).rejects.toMatchObject({ name: "AbortError" });
      await expectUndisturbed();
    });

    test("by time", async () => {
      const answer = llm.generate(PROMPT, { timeout: 50, ...subject.endless });
      await expect(answer).rejects.toMatchObject({ name: "RequestTimeoutError", retryable: true });
      await expectUndisturbed();
    });

    test("after the end changes nothing", async () => {
      const controller = new AbortController();
      const response = await llm.generate(PROMPT, { signal: controller.signal, maxTokens: 2 });
      controller.abort(reason);
      expect(response.text).toBe(undisturbed);
      await expectUndisturbed();
    });
  });
}

async function lastPart(stream: AsyncIterable<StreamPart>): Promise<StreamPart | undefined> {
  let last: StreamPart | undefined;
  for await (const part of stream) last = part;
  return last;
}
