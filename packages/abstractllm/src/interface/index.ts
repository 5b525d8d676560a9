export type { AbstractLLM } from "./abstract-llm.ts";
export type { GenerateOptions, GenerationDefaults } from "./generate-options.ts";
export type { FinishReason, GenerateResponse, Timings, ToolCall, Usage } from "./generate-response.ts";
export type { DownloadProgress, LLMConfig, LLMConfigInput, QuantizeConfig } from "./llm-config.ts";
export { LLMStream, type StreamProducer } from "./llm-stream.ts";
export { type Message, MessageRole, type Prompt } from "./message.ts";
export { type Capabilities, ModelCapability } from "./model-capability.ts";
export { ModelParameter } from "./model-parameter.ts";
export type { ErrorPart, FinishPart, StreamPart, TextDeltaPart } from "./stream-part.ts";
