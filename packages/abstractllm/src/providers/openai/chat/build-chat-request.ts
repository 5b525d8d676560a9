import type { Options } from "../../../config/option-table.ts";
import type { ProviderCall } from "../../base-provider.ts";
import { logprobFields } from "../../logprob-fields.ts";
import { effortOf, limitOf } from "../../reasoning-limit.ts";
import { pickFields } from "../../remote/index.ts";
import { toReasoningEffort } from "../reasoning-effort.ts";
import type { ChatRequest } from "./chat-request.ts";
import { toChatMessages } from "./to-chat-messages.ts";
import { toChatTools, toResponseFormat } from "./to-chat-tools.ts";

/** In what a service or model differs from the rest that speak chat completions. */
export interface ChatDialect {
  /** What instructions are called. */
  readonly systemRole: "system" | "developer";
  /** What the limit of an answer is called. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  /** Fields beyond OpenAI's, for servers that know them. */
  readonly extraFields?: (options: Options) => object;
  /** What the limit of reasoning is called, for servers that know one; a server takes the name that it knows. */
  readonly reasoningLimit?: (maxTokens: number) => object;
}

/** The request for one call. Options that are not set are left out: the service has its own defaults. */
export async function buildChatRequest(
  call: ProviderCall,
  model: string,
  dialect: ChatDialect,
  signal: AbortSignal,
): Promise<ChatRequest> {
  const { options, schema } = call;
  const { stop, maxTokens, logitBias } = options;
  return {
    model,
    messages: await toChatMessages(call.messages, dialect.systemRole, signal),
    stream: true,
    stream_options: { include_usage: true },
    ...(maxTokens === undefined ? {} : { [dialect.maxTokensField]: maxTokens }),
    ...(stop === undefined ? {} : { stop: typeof stop === "string" ? stop : [...stop] }),
    ...(logitBias === undefined ? {} : { logit_bias: { ...logitBias } }),
    ...pickFields(options, SAME_MEANING),
    ...logprobFields(options.logprobs),
    ...toChatTools(call.tools, call.toolChoice),
    ...(schema === undefined ? {} : { response_format: toResponseFormat(schema) }),
    ...reasoningFields(call, dialect),
    ...dialect.extraFields?.(options),
  };
}

function reasoningFields(
  { options: { reasoning }, provider }: ProviderCall,
  { reasoningLimit }: ChatDialect,
): object {
  if (reasoning === undefined) return {};
  const limit = limitOf(reasoning);
  const isLimited = limit !== undefined && reasoningLimit !== undefined;
  const effort = isLimited ? effortOf(reasoning) : toReasoningEffort(reasoning, provider);
  return {
    ...(isLimited ? reasoningLimit(limit) : {}),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
  };
}

/** Options that are fields of the request under another name. */
const SAME_MEANING = {
  temperature: "temperature",
  topP: "top_p",
  frequencyPenalty: "frequency_penalty",
  presencePenalty: "presence_penalty",
  seed: "seed",
  user: "user",
} as const;
