export type { AbstractLLM } from "./abstract-llm.ts";
export type { GenerateOptions, GenerationDefaults } from "./generate-options.ts";
export type { FinishReason, GenerateResponse, Timings, Usage } from "./generate-response.ts";
export type { DownloadProgress, LLMConfig, LLMConfigInput, QuantizeConfig } from "./llm-config.ts";
export { LLMStream, type StreamProducer } from "./llm-stream.ts";
export type {
  ImageDetail,
  MediaInput,
  MediaReference,
  MediaSource,
  MediaType,
  ProviderFormat,
} from "./media-source.ts";
export {
  type AssistantMessage,
  type ContentPart,
  type FileContent,
  type ImageContent,
  type Message,
  MessageRole,
  type Prompt,
  type SystemMessage,
  type TextContent,
  type ToolMessage,
  type UserMessage,
} from "./message.ts";
export { type Capabilities, ModelCapability } from "./model-capability.ts";
export { ModelParameter } from "./model-parameter.ts";
export type {
  DeltaPart,
  ErrorPart,
  FinishPart,
  ReasoningDeltaPart,
  StepFinishPart,
  StreamPart,
  TextDeltaPart,
  ToolCallPart,
  ToolInputDeltaPart,
  ToolInputStartPart,
  ToolResultPart,
} from "./stream-part.ts";
export type { ToolCall, ToolResult } from "./tool-call.ts";
