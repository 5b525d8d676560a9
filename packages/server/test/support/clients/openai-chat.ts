import OpenAI from "openai";
import { type Ask, type DialectClient, PARAMETERS, parse, type Told } from "./dialect-client.ts";

export function openAIChat(origin: string, apiKey: string): DialectClient {
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 });
  type Body = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">;
  const bodyOf = (ask: Ask): Body => ({
    model: ask.model ?? "m",
    messages: [
      ...(ask.system === undefined ? [] : [{ role: "system" as const, content: ask.system }]),
      ...ask.turns.map(({ role, content }, index) => {
        if (ask.image === undefined || index < ask.turns.length - 1) return { role, content };
        const url = `data:image/png;base64,${ask.image}`;
        return {
          role: "user" as const,
          content: [
            { type: "image_url" as const, image_url: { url } },
            { type: "text" as const, text: content },
          ],
        };
      }),
    ],
    ...(ask.stop === undefined ? {} : { stop: ask.stop }),
    ...(ask.temperature === undefined ? {} : { temperature: ask.temperature }),
    ...(ask.maxTokens === undefined ? {} : { max_tokens: ask.maxTokens }),
    ...(ask.tools === undefined
      ? {}
      : {
          tools: ask.tools.map((name) => ({
            type: "function" as const,
            function: { name, parameters: PARAMETERS },
          })),
        }),
    ...(ask.toolChoice === undefined ? {} : { tool_choice: ask.toolChoice }),
    ...(ask.schema === undefined
      ? {}
      : {
          response_format: {
            type: "json_schema" as const,
            json_schema: { name: "answer", schema: ask.schema },
          },
        }),
  });
  const told = ({ choices, usage }: OpenAI.ChatCompletion): Told => {
    const message = choices[0]?.message as OpenAI.ChatCompletionMessage & { reasoning_content?: string };
    return {
      text: message.content ?? "",
      reasoning: message.reasoning_content ?? "",
      calls: (message.tool_calls ?? []).map((call) =>
        call.type === "function"
          ? { name: call.function.name, input: parse(call.function.arguments) }
          : { name: "", input: undefined },
      ),
      reason: choices[0]?.finish_reason ?? "",
      usage: [usage?.prompt_tokens, usage?.completion_tokens],
    };
  };
  return {
    name: "OpenAI chat",
    whole: async (ask) =>
      told(await client.chat.completions.create(bodyOf(ask), { signal: ask.signal ?? null })),
    streamed: async (ask) => {
      const body = { ...bodyOf(ask), stream_options: { include_usage: true } };
      const stream = client.chat.completions.stream(body, { signal: ask.signal ?? null });
      let reasoning = "";
      for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta as { reasoning_content?: string } | undefined;
        reasoning += delta?.reasoning_content ?? "";
      }
      return { ...told(await stream.finalChatCompletion()), reasoning };
    },
  };
}
