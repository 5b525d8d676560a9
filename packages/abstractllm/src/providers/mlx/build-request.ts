import type { ChatMessage, GenerateRequest, ModelInfo } from "@abstractllm/mlx";
import type { Options } from "../../config/option-table.ts";
import { InvalidRequestError } from "../../errors/index.ts";
import { MessageRole } from "../../interface/message.ts";
import type { ToolSpec } from "../../interface/tool.ts";
import type { ResolvedMessage } from "../../media/resolved-message.ts";
import { plainText } from "../../prompt/plain-text.ts";
import { textOf } from "../../prompt/text-of.ts";
import { alternativesOf } from "../alternatives-of.ts";
import type { ProviderCall } from "../base-provider.ts";
import { type ImageBytes, imagesOf } from "./image-bytes.ts";
import { reasoningRequest } from "./reasoning-request.ts";
import { toChatMessage } from "./to-chat-message.ts";

/** What stands for an image in a text; the engine's own, whose package is imported later. */
const IMAGE_MARK: typeof import("@abstractllm/mlx/images").IMAGE_MARK = "\uFDD2";

/** What the engine is asked, and what differs from what the user asked. */
export interface BuiltRequest {
  readonly request: GenerateRequest;
  readonly warnings: readonly string[];
}

/**
 * The engine's request for one call.
 *
 * @param images - the files of the images in the call's messages
 * @throws {InvalidRequestError} when `chatTemplate: false` meets a conversation or a system prompt
 */
export function buildRequest(
  call: ProviderCall,
  info: ModelInfo,
  images: ImageBytes = new Map(),
): BuiltRequest {
  const { prompt, files = [], warnings } = buildPrompt(call, info, images);
  const { stop, ignoreEos, adapter } = call.options;
  const { variables, reasoningBudget } = reasoningRequest(call.options.reasoning, info);
  const templateVariables = { ...variables, ...call.options.templateVariables };
  return {
    request: {
      prompt,
      ...(files.length === 0 ? {} : { images: files }),
      maxTokens: maxTokensOf(call, reasoningBudget),
      ...(reasoningBudget === undefined ? {} : { reasoningBudget }),
      ...sampling(call.options),
      ...(stop === undefined ? {} : { stop: typeof stop === "string" ? [stop] : stop }),
      ...(Object.keys(templateVariables).length === 0 ? {} : { templateVariables }),
      ...(call.tools.length === 0 ? {} : { tools: call.tools.map(toTemplateTool) }),
      ...(ignoreEos === undefined ? {} : { ignoreEos }),
      ...(adapter === undefined ? {} : { adapter }),
      ...draftOptions(call.options, info),
      ...logprobOptions(call.options),
    },
    warnings,
  };
}

/** Where the user does not say, what may be reasoned leaves the answer its room. */
function maxTokensOf({ options, givenOptions }: ProviderCall, reasoningBudget = 0): number {
  const { maxTokens = 4096 } = options;
  return givenOptions.maxTokens === undefined ? maxTokens + reasoningBudget : maxTokens;
}

/** A number of drafts is none of a fallback's, which has no draft model. */
function draftOptions(
  { promptLookup, numDraftTokens, draftModel }: Options,
  info: ModelInfo,
): Pick<GenerateRequest, "promptLookup" | "numDraftTokens"> {
  const isForOther = draftModel !== undefined && info.draftModel === undefined && promptLookup !== true;
  return {
    ...(promptLookup === undefined ? {} : { promptLookup }),
    ...(numDraftTokens === undefined || isForOther ? {} : { numDraftTokens }),
  };
}

function logprobOptions({
  logprobs,
  promptLogprobs,
}: Options): Pick<GenerateRequest, "logprobs" | "promptLogprobs"> {
  const answer = alternativesOf(logprobs);
  const prompt = alternativesOf(promptLogprobs);
  return {
    ...(answer === undefined ? {} : { logprobs: answer }),
    ...(prompt === undefined ? {} : { promptLogprobs: prompt }),
  };
}

const toTemplateTool = ({ strict, ...about }: ToolSpec) => ({ type: "function", function: about });

/** The same conversation for a template that knows no system role: its text leads the first user message. */
export function withoutSystemRole(messages: readonly ResolvedMessage[]): ResolvedMessage[] | undefined {
  const [system, ...others] = messages;
  const first = others[0];
  if (system?.role !== MessageRole.SYSTEM || first?.role !== MessageRole.USER) return undefined;
  const lead = `${system.content}\n\n`;
  const content =
    typeof first.content === "string"
      ? lead + first.content
      : [{ type: "text", text: lead } as const, ...first.content];
  return [{ ...first, content }, ...others.slice(1)];
}

interface BuiltPrompt {
  prompt: readonly ChatMessage[] | string;
  /** Of a prompt that is a text: its images. */
  files?: Uint8Array[];
  warnings: string[];
}

function buildPrompt(call: ProviderCall, info: ModelInfo, images: ImageBytes): BuiltPrompt {
  if (call.options.chatTemplate === false) return rawPrompt(call, images);
  const { messages } = call;
  if (info.hasChatTemplate) {
    return { prompt: messages.map((message) => toChatMessage(message, images)), warnings: [] };
  }
  return {
    prompt: plainText(messages, markedText),
    files: filesOf(messages, images),
    warnings: ["The model has no chat template; the prompt was sent as plain text"],
  };
}

const filesOf = (messages: readonly ResolvedMessage[], images: ImageBytes): Uint8Array[] =>
  messages.flatMap(imagesOf).flatMap((image) => images.get(image) ?? []);

function rawPrompt(
  { prompt, messages, options, callOptions }: ProviderCall,
  images: ImageBytes,
): BuiltPrompt {
  if (typeof prompt !== "string") {
    const message = "chatTemplate: false sends a text as it is; give the prompt as a string, not as messages";
    throw new InvalidRequestError(message, { provider: "mlx" });
  }
  if (callOptions.systemPrompt !== undefined) {
    const message =
      "chatTemplate: false sends a text as it is, so systemPrompt has no place; write it into the prompt";
    throw new InvalidRequestError(message, { provider: "mlx" });
  }
  const message = messages.at(-1); // the text with its files
  const warnings =
    options.systemPrompt === undefined
      ? []
      : ["The configured systemPrompt was left out: chatTemplate is false"];
  if (message === undefined) return { prompt, warnings };
  return { prompt: textOf(message), files: filesOf([message], images), warnings };
}

/** The text of a message with a mark for each image. */
function markedText({ content }: ResolvedMessage): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : IMAGE_MARK)).join("");
}

/** Options that the engine knows under the same names. */
const SAMPLING = [
  "temperature",
  "topP",
  "topK",
  "minP",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "logitBias",
  "seed",
] as const;

function sampling(options: Options): Pick<GenerateRequest, (typeof SAMPLING)[number]> {
  const given = SAMPLING.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(given);
}
