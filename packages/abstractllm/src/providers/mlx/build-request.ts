import type { ChatMessage, GenerateRequest, ModelInfo } from "@abstractllm/mlx";
import type { Options } from "../../config/option-table.ts";
import { InvalidRequestError } from "../../errors/index.ts";
import { MessageRole } from "../../interface/message.ts";
import type { ToolSpec } from "../../interface/tool.ts";
import type { ResolvedMessage } from "../../media/resolved-message.ts";
import { plainText } from "../../prompt/plain-text.ts";
import { textOf } from "../../prompt/text-of.ts";
import type { ProviderCall } from "../base-provider.ts";
import { reasoningVariables } from "./reasoning-variables.ts";
import { toChatMessage } from "./to-chat-message.ts";

/** What the engine is asked, and what differs from what the user asked. */
export interface BuiltRequest {
  readonly request: GenerateRequest;
  readonly warnings: readonly string[];
}

/**
 * The engine's request for one call.
 *
 * @throws {InvalidRequestError} when `chatTemplate: false` meets a conversation or a system prompt
 */
export function buildRequest(call: ProviderCall, info: ModelInfo): BuiltRequest {
  const { prompt, warnings } = buildPrompt(call, info);
  const { maxTokens = 4096, stop, reasoning, ignoreEos } = call.options;
  const templateVariables = { ...reasoningVariables(reasoning, info), ...call.options.templateVariables };
  return {
    request: {
      prompt,
      maxTokens,
      ...sampling(call.options),
      ...(stop === undefined ? {} : { stop: typeof stop === "string" ? [stop] : stop }),
      ...(Object.keys(templateVariables).length === 0 ? {} : { templateVariables }),
      ...(call.tools.length === 0 ? {} : { tools: call.tools.map(toTemplateTool) }),
      ...(ignoreEos === undefined ? {} : { ignoreEos }),
    },
    warnings,
  };
}

const toTemplateTool = (spec: ToolSpec) => ({ type: "function", function: spec });

/** The same conversation for a template that knows no system role: its text leads the first user message. */
export function withoutSystemRole(messages: readonly ResolvedMessage[]): ResolvedMessage[] | undefined {
  const [system, ...others] = messages;
  const first = others[0];
  if (system?.role !== MessageRole.SYSTEM || first?.role !== MessageRole.USER) return undefined;
  return [{ ...first, content: `${system.content}\n\n${textOf(first)}` }, ...others.slice(1)];
}

interface BuiltPrompt {
  prompt: readonly ChatMessage[] | string;
  warnings: string[];
}

function buildPrompt(call: ProviderCall, info: ModelInfo): BuiltPrompt {
  if (call.options.chatTemplate === false) return rawPrompt(call);
  const { messages } = call;
  if (info.hasChatTemplate) return { prompt: messages.map(toChatMessage), warnings: [] };
  return {
    prompt: plainText(messages),
    warnings: ["The model has no chat template; the prompt was sent as plain text"],
  };
}

function rawPrompt({ prompt, messages, options, callOptions }: ProviderCall): BuiltPrompt {
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
  return { prompt: message === undefined ? prompt : textOf(message), warnings };
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
