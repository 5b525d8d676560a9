import type { Options } from "../../config/option-table.ts";
import { choiceText, chosenTools } from "../../dialects/tool-choice.ts";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import type { ReasoningOption } from "../../interface/generate-options.ts";
import type { ToolSpec } from "../../interface/tool.ts";
import type { ResolvedMessage } from "../../media/index.ts";
import { textOf } from "../../prompt/text-of.ts";
import { withInstructions } from "../../prompt/with-instructions.ts";
import type { ProviderCall } from "../base-provider.ts";
import { logprobFields } from "../logprob-fields.ts";
import { withoutZero } from "../reasoning-limit.ts";
import type { OllamaMessage, OllamaOptions, OllamaRequest, OllamaTool } from "./ollama-request.ts";

/**
 * The request for one call. Ollama lets models choose their tools, so one that must be called is asked for in the prompt.
 *
 * @throws {UnsupportedFeatureError} for a limit of reasoning tokens
 */
export async function buildRequest(call: ProviderCall, signal: AbortSignal): Promise<OllamaRequest> {
  const { options, schema } = call;
  const tools = chosenTools(call).map(toTool);
  const order = choiceText(call.toolChoice);
  const messages = order === "" ? call.messages : withInstructions(call.messages, order);
  return {
    model: options.model ?? "",
    messages: await Promise.all(messages.map((message) => toMessage(message, signal))),
    stream: true,
    truncate: false,
    shift: false,
    ...(schema === undefined ? {} : { format: schema }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(options.reasoning === undefined ? {} : { think: toThink(options.reasoning) }),
    ...logprobFields(options.logprobs),
    options: toOptions(options),
  };
}

async function toMessage(message: ResolvedMessage, signal: AbortSignal): Promise<OllamaMessage> {
  const { role } = message;
  const content = textOf(message);
  if (message.role === "tool") {
    return { role, content, ...(message.name === undefined ? {} : { tool_name: message.name }) };
  }
  if (message.role === "assistant") {
    const { reasoning, toolCalls = [] } = message;
    const calls = toolCalls.map(({ name, arguments: input }) => ({
      function: { name, arguments: { ...input } },
    }));
    return {
      role,
      content,
      ...(reasoning === undefined ? {} : { thinking: reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  }
  if (message.role === "system" || typeof message.content === "string") return { role, content };
  const images = message.content.filter((part) => part.type === "image");
  return { role, content, images: await Promise.all(images.map(({ image }) => image.base64(signal))) };
}

function toTool({ name, description, parameters }: ToolSpec): OllamaTool {
  const about = description === undefined ? {} : { description };
  return { type: "function", function: { name, ...about, parameters: { ...parameters } } };
}

function toThink(option: ReasoningOption): NonNullable<OllamaRequest["think"]> {
  const reasoning = withoutZero(option);
  if (typeof reasoning !== "object") return reasoning;
  const message = 'Ollama has no limit of reasoning tokens; take a boolean, "low", "medium" or "high"';
  throw new UnsupportedFeatureError("reasoning", message, { provider: "ollama" });
}

function toOptions(options: Options): OllamaOptions {
  const { stop } = options;
  const fields = {
    num_predict: options.maxTokens,
    num_ctx: options.contextWindow,
    temperature: options.temperature,
    top_p: options.topP,
    top_k: options.topK,
    min_p: options.minP,
    repeat_penalty: options.repetitionPenalty,
    frequency_penalty: options.frequencyPenalty,
    presence_penalty: options.presencePenalty,
    seed: options.seed,
    stop: stop === undefined ? undefined : typeof stop === "string" ? [stop] : [...stop],
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
