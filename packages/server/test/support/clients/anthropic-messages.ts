import Anthropic from "@anthropic-ai/sdk";
import { type Ask, type DialectClient, PARAMETERS, type Told } from "./dialect-client.ts";

export function anthropicMessages(origin: string, apiKey: string): DialectClient {
  const client = new Anthropic({ baseURL: origin, apiKey, maxRetries: 0 });
  const bodyOf = (ask: Ask): Anthropic.MessageCreateParamsNonStreaming => ({
    model: ask.model ?? "m",
    max_tokens: ask.maxTokens ?? 1000,
    ...(ask.system === undefined ? {} : { system: ask.system }),
    messages: ask.turns.map(({ role, content }, index) => {
      if (ask.image === undefined || index < ask.turns.length - 1) return { role, content };
      const source = { type: "base64" as const, media_type: "image/png" as const, data: ask.image };
      return {
        role: "user" as const,
        content: [
          { type: "image" as const, source },
          { type: "text" as const, text: content },
        ],
      };
    }),
    ...(ask.stop === undefined ? {} : { stop_sequences: [ask.stop] }),
    ...(ask.temperature === undefined ? {} : { temperature: ask.temperature }),
    ...(ask.tools === undefined
      ? {}
      : { tools: ask.tools.map((name) => ({ name, input_schema: PARAMETERS })) }),
    ...(ask.toolChoice === undefined ? {} : { tool_choice: { type: "any" as const } }),
    ...(ask.schema === undefined
      ? {}
      : { output_config: { format: { type: "json_schema" as const, schema: ask.schema } } }),
  });
  const told = ({ content, stop_reason, usage }: Anthropic.Message): Told => ({
    text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    reasoning: content.map((block) => (block.type === "thinking" ? block.thinking : "")).join(""),
    calls: content.flatMap((block) =>
      block.type === "tool_use" ? [{ name: block.name, input: block.input }] : [],
    ),
    reason: stop_reason ?? "",
    usage: [usage.input_tokens + (usage.cache_read_input_tokens ?? 0), usage.output_tokens],
  });
  return {
    name: "Anthropic messages",
    whole: async (ask) => told(await client.messages.create(bodyOf(ask), { signal: ask.signal ?? null })),
    streamed: async (ask) => {
      const stream = client.messages.stream(bodyOf(ask), { signal: ask.signal ?? null });
      return told(await stream.finalMessage());
    },
  };
}
