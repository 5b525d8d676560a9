/** What the compiler knows of answers: checked by `npm run lint`, never run. */
import { expectTypeOf } from "vitest";
import type {
  AbstractLLM,
  AssistantMessage,
  EmbedResponse,
  FinishReason,
  GenerateResponse,
  LLMStream,
  Message,
  ObjectResponse,
  PromptTokenLogprob,
  StreamPart,
  Timings,
  ToolCall,
  ToolMessage,
  ToolResult,
  Usage,
} from "../../src/index.ts";

declare const llm: AbstractLLM;

const response = await llm.generate("Why?", { maxTokens: 5, signal: AbortSignal.timeout(1) });
expectTypeOf(response).toEqualTypeOf<GenerateResponse>();
expectTypeOf(response.text).toEqualTypeOf<string>();
expectTypeOf(response.reasoning).toEqualTypeOf<string | undefined>();
expectTypeOf(response.toolCalls).toEqualTypeOf<readonly ToolCall[]>();
expectTypeOf(response.messages).toEqualTypeOf<readonly (AssistantMessage | ToolMessage)[]>();
expectTypeOf(response.usage).toEqualTypeOf<Usage>();
expectTypeOf(response.finishReason).toEqualTypeOf<FinishReason>();
expectTypeOf(response.timings).toEqualTypeOf<Timings | undefined>();

// what comes back can be sent again
const conversation: Message[] = [{ role: "user", content: "Why?" }, ...response.messages];
await llm.generate(conversation);
// @ts-expect-error no such role
await llm.generate([{ role: "robot", content: "x" }]);
// @ts-expect-error a tool's message says which call it answers
await llm.generate([{ role: "tool", content: "x" }]);
// @ts-expect-error an unknown option
await llm.generate("x", { temprature: 1 });
// @ts-expect-error an option of the configuration only
await llm.generate("x", { model: "m" });

// with `stream: true` the answer is a stream, and only then
expectTypeOf(llm.generate("x", { stream: true })).toEqualTypeOf<LLMStream>();
expectTypeOf(llm.generate("x", { stream: false })).toEqualTypeOf<Promise<GenerateResponse>>();
const stream = llm.stream("x");
expectTypeOf(stream).toEqualTypeOf<LLMStream>();
expectTypeOf(stream.response).toEqualTypeOf<Promise<GenerateResponse>>();
for await (const part of stream) {
  expectTypeOf(part).toEqualTypeOf<StreamPart>();
  switch (part.type) {
    case "text-delta":
    case "reasoning-delta":
      expectTypeOf(part.text).toEqualTypeOf<string>();
      break;
    case "tool-input-start":
      expectTypeOf(part).toEqualTypeOf<{ type: "tool-input-start"; id: string; name: string }>();
      break;
    case "tool-input-delta":
      expectTypeOf(part).toEqualTypeOf<{ type: "tool-input-delta"; id: string; text: string }>();
      break;
    case "tool-call":
      expectTypeOf(part.toolCall).toEqualTypeOf<ToolCall>();
      break;
    case "tool-result":
      expectTypeOf(part.toolResult).toEqualTypeOf<ToolResult>();
      break;
    case "object-start":
      expectTypeOf(part).toEqualTypeOf<{ type: "object-start" }>();
      break;
    case "prompt-usage":
      expectTypeOf(part.cachedInputTokens).toEqualTypeOf<number>();
      break;
    case "prompt-logprobs":
      expectTypeOf(part.logprobs).toEqualTypeOf<readonly PromptTokenLogprob[]>();
      break;
    case "object-delta":
      expectTypeOf(part.object).toEqualTypeOf<unknown>();
      break;
    case "step-finish":
    case "finish":
      expectTypeOf(part.usage).toEqualTypeOf<Usage>();
      break;
    case "error":
      expectTypeOf(part.error).toEqualTypeOf<unknown>();
      break;
    default:
      expectTypeOf(part).toEqualTypeOf<never>(); // these are all
  }
}

// a schema gives a typed object; beside tools, of which one may come instead, it may be missing
const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } as const;
expectTypeOf(await llm.generate("x", { schema })).toEqualTypeOf<ObjectResponse<{ n: number }>>();
const typed = llm.stream("x", { schema });
expectTypeOf(typed).toEqualTypeOf<LLMStream<ObjectResponse<{ n: number }>, { n?: number }>>();
expectTypeOf(typed).toExtend<LLMStream>();
for await (const part of typed) {
  if (part.type === "object-delta") expectTypeOf(part.object).toEqualTypeOf<{ n?: number }>();
}
for await (const text of llm.stream("x").textStream) expectTypeOf(text).toEqualTypeOf<string>();
type MaybeObject = ObjectResponse<{ n: number } | undefined>;
expectTypeOf(await llm.generate("x", { schema, tools: [] })).toEqualTypeOf<MaybeObject>();
expectTypeOf(llm.stream("x", { schema, tools: [] })).toEqualTypeOf<LLMStream<MaybeObject, { n?: number }>>();

const { embeddings, ...vectors } = await llm.embed(["a", "b"], { dimensions: 3 });
expectTypeOf(embeddings).toEqualTypeOf<readonly (readonly number[])[]>();
expectTypeOf(vectors).toEqualTypeOf<Omit<EmbedResponse, "embeddings">>();
// @ts-expect-error an option of generate
await llm.embed("a", { maxTokens: 1 });

expectTypeOf(await llm.countTokens("x")).toEqualTypeOf<number>();
