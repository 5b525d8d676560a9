/** What the compiler says of the models in both versions of the AI SDK: checked by `npm run lint`, never run. */
import { createAbstractLLM, toEmbeddingModel, toLanguageModel, toRerankingModel } from "@abstractllm/ai-sdk";
import type {
  EmbeddingModelV4,
  EmbeddingModelV4CallOptions,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  RerankingModelV4,
  RerankingModelV4CallOptions,
} from "@ai-sdk/provider-4";
import type { AbstractLLM } from "abstractllm";
import * as seven from "ai";
import * as six from "ai-6";
import { expectTypeOf } from "vitest";
import type { CallOptions, EmbedCallOptions, RerankCallOptions } from "../../src/call/call-options.ts";
import type { GivenMessage } from "../../src/prompt/index.ts";

declare const llm: AbstractLLM;
const cloud = createAbstractLLM("openai");
const language = toLanguageModel(llm);
const embedding = toEmbeddingModel(llm);
const reranking = toRerankingModel(llm);
const models = {
  languageModels: { language },
  embeddingModels: { embedding },
  rerankingModels: { reranking },
  fallbackProvider: cloud,
};
const documents = ["a"];

// AI SDK 6
await six.generateText({ model: cloud("m"), prompt: "x" });
six.streamText({ model: language, prompt: "x", output: six.Output.json() });
await six.embed({ model: embedding, value: "x" });
await six.embedMany({ model: cloud.textEmbeddingModel("m"), values: ["x"] });
await six.rerank({ model: reranking, query: "x", documents });
await six.rerank({ model: cloud.rerankingModel("m"), query: "x", documents });
six.createProviderRegistry({ cloud }).rerankingModel("cloud:m");
six.customProvider(models).languageModel("language");
six.wrapLanguageModel({ model: language, middleware: six.extractReasoningMiddleware({ tagName: "think" }) });
six.wrapProvider({ provider: cloud, languageModelMiddleware: [] });
new six.ToolLoopAgent({ model: language });

// AI SDK 7
await seven.generateText({ model: cloud("m"), prompt: "x", reasoning: "low" });
seven.streamText({ model: language, prompt: "x", output: seven.Output.json() });
await seven.embed({ model: embedding, value: "x", dimensions: 2 });
await seven.embedMany({ model: cloud.textEmbeddingModel("m"), values: ["x"] });
await seven.rerank({ model: reranking, query: "x", documents });
await seven.rerank({ model: cloud.rerankingModel("m"), query: "x", documents });
seven.createProviderRegistry({ cloud }).rerankingModel("cloud:m");
seven.customProvider(models).languageModel("language");
seven.wrapLanguageModel({
  model: language,
  middleware: seven.extractReasoningMiddleware({ tagName: "think" }),
});
seven.wrapProvider({ provider: cloud, languageModelMiddleware: [] });
new seven.ToolLoopAgent({ model: language });

// and it makes models of version 4 of these
const native = seven.customProvider(models);
expectTypeOf(native.languageModel("language")).toEqualTypeOf<LanguageModelV4>();
expectTypeOf(native.embeddingModel("embedding")).toEqualTypeOf<EmbeddingModelV4>();
expectTypeOf(native.rerankingModel("reranking")).toEqualTypeOf<RerankingModelV4>();

// AI SDK 7 hands on no option and no part of a message that is unknown here
type PartType<Message extends { role: string }, Role extends Message["role"]> = Extract<
  Message,
  { role: Role; content: readonly { type: string }[] }
>["content"][number]["type"];
expectTypeOf<PartType<GivenMessage, "user">>().toEqualTypeOf<PartType<LanguageModelV4Message, "user">>();
expectTypeOf<PartType<GivenMessage, "assistant">>().toEqualTypeOf<
  PartType<LanguageModelV4Message, "assistant">
>();
expectTypeOf<PartType<GivenMessage, "tool">>().toEqualTypeOf<PartType<LanguageModelV4Message, "tool">>();
expectTypeOf<keyof CallOptions>().toEqualTypeOf<keyof LanguageModelV4CallOptions>();
expectTypeOf<keyof EmbedCallOptions>().toEqualTypeOf<keyof EmbeddingModelV4CallOptions>();
expectTypeOf<keyof RerankCallOptions>().toEqualTypeOf<keyof RerankingModelV4CallOptions>();
