import { withSchemaPrompt } from "../../schema/index.ts";
import type { ProviderCall } from "../base-provider.ts";
import { knownCapabilities } from "../known-capabilities.ts";
import { pickFields } from "../remote/index.ts";
import type { MessagesPrompt, MessagesRequest, OutputConfig } from "./messages-request.ts";
import { toOutputSchema } from "./to-output-schema.ts";
import { defaultMaxTokens, toThinking } from "./to-thinking.ts";
import { toWireMessages } from "./to-wire-messages.ts";

/**
 * The request for one call.
 *
 * @throws {UnsupportedFeatureError} for a way of reasoning that the model does not have
 */
export async function buildRequest(call: ProviderCall, signal: AbortSignal): Promise<MessagesRequest> {
  const { stop, user, promptCaching = false } = call.options;
  return {
    ...(await buildPrompt(call, signal)),
    max_tokens: maxTokensOf(call),
    stream: true,
    ...(stop === undefined ? {} : { stop_sequences: typeof stop === "string" ? [stop] : [...stop] }),
    ...(user === undefined ? {} : { metadata: { user_id: user } }),
    ...(promptCaching === false ? {} : { cache_control: cacheControl(promptCaching) }),
    ...pickFields(call.options, { temperature: "temperature", topP: "top_p", topK: "top_k" }),
  };
}

/** Five minutes is what the service does where nothing is said. */
const cacheControl = (caching: true | "5m" | "1h"): NonNullable<MessagesRequest["cache_control"]> => ({
  type: "ephemeral",
  ...(caching === "1h" ? { ttl: "1h" } : {}),
});

/** What the model reads of one call. */
export async function buildPrompt(call: ProviderCall, signal: AbortSignal): Promise<MessagesPrompt> {
  const { model = "" } = call.options;
  const { thinking, effort } = toThinking(call);
  const { messages, format } = toFormat(call);
  const output_config = { ...(effort && { effort }), ...(format && { format }) };
  return {
    model,
    ...(await toWireMessages(messages, signal)),
    ...toTools(call),
    ...(thinking && { thinking }),
    ...(Object.keys(output_config).length > 0 && { output_config }),
  };
}

/** Most tokens of the answer: the service wants to be told. */
export function maxTokensOf(call: Pick<ProviderCall, "options" | "toolChoice">): number {
  const { model = "", maxTokens } = call.options;
  if (maxTokens !== undefined) return maxTokens;
  const { maxOutputTokens = Infinity } = knownCapabilities(call.options);
  return Math.min(defaultMaxTokens(toThinking(call), model), maxOutputTokens);
}

/** The shape of the answer, and the conversation, which tells of it where the service cannot hold all of it. */
function toFormat({
  schema,
  messages,
  options,
}: ProviderCall): Pick<ProviderCall, "messages"> & Pick<OutputConfig, "format"> {
  if (schema === undefined) return { messages };
  const { structuredOutput = true } = knownCapabilities(options);
  const output = structuredOutput ? toOutputSchema(schema) : undefined;
  return {
    messages: output?.isWhole ? messages : withSchemaPrompt(messages, schema),
    ...(output && { format: { type: "json_schema", schema: { ...output.schema } } }),
  };
}

function toTools({ tools, toolChoice }: ProviderCall): Pick<MessagesPrompt, "tools" | "tool_choice"> {
  if (tools.length === 0) return {};
  return {
    tools: tools.map(({ name, description, parameters }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      input_schema: { ...parameters },
    })),
    tool_choice: toToolChoice(toolChoice),
  };
}

function toToolChoice(choice: ProviderCall["toolChoice"]): NonNullable<MessagesPrompt["tool_choice"]> {
  if (typeof choice === "object") return { type: "tool", name: choice.name };
  return { type: choice === "required" ? "any" : choice };
}
