import OpenAI from "openai";
import { type Ask, type DialectClient, PARAMETERS, parse, type Told } from "./dialect-client.ts";

export function openAIResponses(origin: string, apiKey: string): DialectClient {
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 });
  type Body = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream">;
  const bodyOf = (ask: Ask): Body => ({
    model: ask.model ?? "m",
    ...(ask.system === undefined ? {} : { instructions: ask.system }),
    input: ask.turns.map(({ role, content }, index) => {
      if (ask.image === undefined || index < ask.turns.length - 1) return { role, content };
      const image_url = `data:image/png;base64,${ask.image}`;
      return {
        role: "user" as const,
        content: [
          { type: "input_image" as const, image_url, detail: "auto" as const },
          { type: "input_text" as const, text: content },
        ],
      };
    }),
    ...(ask.temperature === undefined ? {} : { temperature: ask.temperature }),
    ...(ask.maxTokens === undefined ? {} : { max_output_tokens: ask.maxTokens }),
    ...(ask.tools === undefined
      ? {}
      : {
          tools: ask.tools.map((name) => ({
            type: "function" as const,
            name,
            parameters: PARAMETERS,
            strict: false,
          })),
        }),
    ...(ask.toolChoice === undefined ? {} : { tool_choice: ask.toolChoice }),
    ...(ask.schema === undefined
      ? {}
      : { text: { format: { type: "json_schema" as const, name: "answer", schema: ask.schema } } }),
  });
  const told = ({ output, usage, status, incomplete_details }: OpenAI.Responses.Response): Told => ({
    text: output
      .flatMap((item) => (item.type === "message" ? item.content : []))
      .map((part) => (part.type === "output_text" ? part.text : ""))
      .join(""),
    reasoning: output
      .flatMap((item) => (item.type === "reasoning" ? (item.content ?? []) : []))
      .map(({ text }) => text)
      .join(""),
    calls: output.flatMap((item) =>
      item.type === "function_call" ? [{ name: item.name, input: parse(item.arguments) }] : [],
    ),
    reason: incomplete_details?.reason ?? status ?? "",
    usage: [usage?.input_tokens, usage?.output_tokens],
  });
  return {
    name: "OpenAI responses",
    whole: async (ask) => told(await client.responses.create(bodyOf(ask), { signal: ask.signal ?? null })),
    streamed: async (ask) => {
      const stream = client.responses.stream(bodyOf(ask), { signal: ask.signal ?? null });
      return told(await stream.finalResponse());
    },
  };
}
