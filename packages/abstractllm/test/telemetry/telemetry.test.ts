import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type DeltaPart, QuotaExceededError, tool, withHooks, withTelemetry } from "../../src/index.ts";
import { FakeLLM } from "../../src/testing/index.ts";
import { FailingProvider } from "../support/failing-provider.ts";
import { ScriptedProvider } from "../support/scripted-provider.ts";

const exporter = new InMemorySpanExporter();
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const processor = new SimpleSpanProcessor(exporter);
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
});
beforeEach(() => exporter.reset());
afterAll(() => {
  trace.disable();
  context.disable();
});

const finished = () => exporter.getFinishedSpans();

test("a call is one span with the attributes of the conventions, and nothing of what was said", async () => {
  const llm = await withTelemetry(new FailingProvider([], { text: "secret answer" }));
  await llm.generate("secret prompt", { temperature: 0.5, systemPrompt: "secret system" });
  const [span, ...others] = finished();
  expect(others).toEqual([]);
  expect(span).toMatchObject({ name: "chat", kind: SpanKind.CLIENT, ended: true });
  expect(span?.attributes).toEqual({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "scripted",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.output.type": "text",
    "gen_ai.response.model": "script-1",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.usage.cache_read.input_tokens": 2,
    "gen_ai.response.finish_reasons": ["stop"],
  });
  expect(JSON.stringify([span?.attributes, span?.events, span?.status])).not.toContain("secret");
});

test("a failed call is a span with the kind of its error, and not its message", async () => {
  const llm = await withTelemetry(
    new FailingProvider([new QuotaExceededError("secret"), new TypeError("secret")]),
  );
  await expect(llm.generate("Hi")).rejects.toThrow("secret");
  await expect(llm.generate("Hi")).rejects.toThrow("secret");
  await expect(llm.embed("Hi")).rejects.toThrow("embeddings");
  expect(finished().map(({ attributes }) => attributes["error.type"])).toEqual([
    "quota-exceeded",
    "TypeError",
    "unsupported-feature",
  ]);
  expect(finished()[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: "quota-exceeded" });
  expect(finished()[2]?.attributes["gen_ai.operation.name"]).toBe("embeddings");
});

test("reranking is a span of its own, without the query and the documents", async () => {
  const llm = await withTelemetry(new FakeLLM([]), { captureContent: true });
  await llm.rerank("secret", ["secret document"]);
  const [span] = finished();
  expect(span?.name).toBe("rerank fake");
  expect(span?.attributes).toEqual({
    "gen_ai.operation.name": "rerank",
    "gen_ai.provider.name": "fake",
    "gen_ai.request.model": "fake",
    "gen_ai.response.model": "fake",
    "gen_ai.usage.input_tokens": 3,
  });
});

test("a stream that is left ends its span", async () => {
  const llm = await withTelemetry(new FailingProvider([], { text: "A long answer" }));
  const stream = llm.stream("Hi");
  for await (const _ of stream) break;
  await expect(stream.response).rejects.toThrow();
  await new Promise(setImmediate); // the provider's own end
  expect(finished()).toHaveLength(1);
  expect(finished()[0]?.attributes["error.type"]).toBe("AbortError");
});

test("what a call starts is part of its span", async () => {
  const toolCalls = [{ id: "c1", name: "inner", arguments: {} }];
  const llm = await withTelemetry(new ScriptedProvider([{ toolCalls }, { text: "done" }]));
  const inner = tool({
    name: "inner",
    parameters: { type: "object" },
    execute: () => trace.getTracer("test").startSpan("inner").end(),
  });
  await llm.generate("Hi", { tools: [inner] });
  const [child, parent] = finished();
  expect([child?.name, parent?.name]).toEqual(["inner", "chat"]);
  expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
});

test("prompts and answers are in the span when that is asked for", async () => {
  const llm = await withTelemetry(new FailingProvider([]), { captureContent: true });
  await llm.generate("Hi", { systemPrompt: "Be brief." });
  expect(finished()[0]?.attributes).toMatchObject({
    "gen_ai.system_instructions": '[{"type":"text","content":"Be brief."}]',
    "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]',
    "gen_ai.output.messages":
      '[{"role":"assistant","parts":[{"type":"text","content":"Hello"}],"finish_reason":"stop"}]',
  });
});

test("hooks hear of a call's start, its parts, and its end, which comes once", async () => {
  const heard: unknown[] = [];
  const llm = withHooks(new FailingProvider([new QuotaExceededError("busy")]), (call) => {
    heard.push([call.operation, call.provider]);
    return {
      onPart: (part: DeltaPart) => heard.push(part.type),
      onFinish: ({ usage }, durationMs) => heard.push([usage.inputTokens, durationMs >= 0]),
      onError: (error, durationMs) => heard.push([(error as Error).message, durationMs >= 0]),
    };
  });
  await expect(llm.generate("Hi")).rejects.toThrow("busy");
  expect(heard.splice(0)).toEqual([
    ["generate", "scripted"],
    ["busy", true],
  ]);
  expect((await llm.generate("Hi")).text).toBe("Hello");
  expect(heard).toEqual([["generate", "scripted"], "text-delta", "text-delta", [10, true]]);
});

test("a hook that throws ends the call, and is told of no second end", async () => {
  const heard: string[] = [];
  const llm = withHooks(new FailingProvider([]), () => ({
    onFinish: () => {
      throw new Error("disk full");
    },
    onError: () => heard.push("error"),
  }));
  await expect(llm.generate("Hi")).rejects.toThrow("disk full");
  expect(heard).toEqual([]);
});
