export type { AbstractLLM } from "./abstract-llm.ts";
export type { EmbedOptions, EmbedResponse } from "./embed.ts";
export type {
  AdapterChoice,
  GenerateOptions,
  GenerationDefaults,
  ReasoningOption,
  TruncationStrategy,
} from "./generate-options.ts";
export type { FinishReason, GenerateResponse, ObjectResponse, Timings, Usage } from "./generate-response.ts";
export type { ListedModel, ListModelsOptions } from "./listed-model.ts";
export type { DownloadProgress, LLMConfig, LLMConfigInput, QuantizeConfig } from "./llm-config.ts";
export { LLMStream, type StreamProducer, type Written } from "./llm-stream.ts";
export type { LoadedModelInfo } from "./loaded-model.ts";
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
export type { ModelCapabilities } from "./model-capabilities.ts";
export { type Capabilities, ModelCapability } from "./model-capability.ts";
export { ModelParameter } from "./model-parameter.ts";
export { type ReasoningEffort, toReasoning } from "./reasoning-effort.ts";
export type { RerankOptions, RerankResponse, RerankResult } from "./rerank.ts";
export type {
  InferPartial,
  InferSchema,
  JsonSchema,
  Schema,
  StandardIssue,
  StandardResult,
  StandardSchema,
} from "./schema.ts";
export type {
  DeltaPart,
  ErrorPart,
  FinishPart,
  ObjectDeltaPart,
  ObjectStartPart,
  PromptLogprobsPart,
  PromptUsagePart,
  ReasoningDeltaPart,
  StepFinishPart,
  StreamPart,
  TextDeltaPart,
  ToolCallPart,
  ToolInputDeltaPart,
  ToolInputStartPart,
  ToolResultPart,
} from "./stream-part.ts";
export type { TextStream } from "./text-stream.ts";
export type { PromptTokenLogprob, TokenLogprob, TokenWithLogprob } from "./token-logprob.ts";
export type { ApproveToolCall, Tool, ToolApproval, ToolChoice, ToolContext, ToolSpec } from "./tool.ts";
export type { ToolCall, ToolResult } from "./tool-call.ts";
