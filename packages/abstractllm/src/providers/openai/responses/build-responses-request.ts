import type { OptionName } from "../../../config/option-table.ts";
import { UnsupportedFeatureError } from "../../../errors/index.ts";
import { alternativesOf } from "../../alternatives-of.ts";
import type { ProviderCall } from "../../base-provider.ts";
import { pickFields } from "../../remote/index.ts";
import { isStrictSchema } from "../is-strict-schema.ts";
import { toReasoningEffort } from "../reasoning-effort.ts";
import { schemaName } from "../schema-name.ts";
import { LOGPROBS, type ResponsesPrompt, type ResponsesRequest } from "./responses-request.ts";
import { toInputItems } from "./to-input-items.ts";

/** Options that only chat completions have. */
export const CHAT_ONLY_OPTIONS: readonly OptionName[] = [
  "stop",
  "seed",
  "logitBias",
  "frequencyPenalty",
  "presencePenalty",
];

/**
 * The request for one call.
 *
 * @throws {UnsupportedFeatureError} for an option that only chat completions have
 */
export async function buildResponsesRequest(
  call: ProviderCall,
  reasons: boolean,
  signal: AbortSignal,
): Promise<ResponsesRequest> {
  const { options } = call;
  const refused = CHAT_ONLY_OPTIONS.find((name) => options[name] !== undefined);
  if (refused !== undefined) {
    const message = `The responses API does not have "${refused}"; leave it out or set api: "chat"`;
    throw new UnsupportedFeatureError(refused, message, { provider: call.provider });
  }
  const alternatives = alternativesOf(options.logprobs);
  const include = [
    ...(reasons ? ["reasoning.encrypted_content" as const] : []),
    ...(alternatives === undefined ? [] : ([LOGPROBS] as const)),
  ];
  return {
    ...(await buildResponsesPrompt(call, reasons, signal)),
    stream: true,
    store: false,
    ...(include.length === 0 ? {} : { include }),
    ...(alternatives !== undefined && alternatives > 0 ? { top_logprobs: alternatives } : {}),
    ...pickFields(options, {
      temperature: "temperature",
      topP: "top_p",
      maxTokens: "max_output_tokens",
      user: "user",
    }),
  };
}

/** What the model reads of one call. */
export async function buildResponsesPrompt(
  { options, messages, tools, toolChoice, schema, provider }: ProviderCall,
  reasons: boolean,
  signal: AbortSignal,
): Promise<ResponsesPrompt> {
  const choice =
    typeof toolChoice === "string" ? toolChoice : { type: "function" as const, name: toolChoice.name };
  const { model = "", reasoning } = options;
  return {
    model,
    input: await toInputItems(messages, reasons ? "developer" : "system", signal),
    ...(tools.length === 0 ? {} : { tools: tools.map(toTool), tool_choice: choice }),
    ...(schema === undefined ? {} : { text: { format: toFormat(schema) } }),
    ...(reasoning === undefined ? {} : { reasoning: toReasoning(reasoning, provider) }),
  };
}

function toTool({ name, description, parameters }: ProviderCall["tools"][number]) {
  const about = description === undefined ? {} : { description };
  return { type: "function" as const, name, ...about, parameters: { ...parameters }, strict: false as const };
}

function toFormat(schema: NonNullable<ProviderCall["schema"]>) {
  const strict = isStrictSchema(schema);
  return { type: "json_schema" as const, name: schemaName(schema), schema: { ...schema }, strict };
}

/** A summary of the reasoning is asked for only with the option, since not every account gets one. */
function toReasoning(
  reasoning: NonNullable<ProviderCall["options"]["reasoning"]>,
  provider: string,
): NonNullable<ResponsesPrompt["reasoning"]> {
  const effort = toReasoningEffort(reasoning, provider);
  const level = effort === undefined ? {} : { effort };
  return effort === "none" ? level : { ...level, summary: "auto" };
}
