import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";

/** A turn of a conversation. */
export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** What a client asks. */
export interface Ask {
  readonly turns: readonly Turn[];
  readonly system?: string;
  readonly stop?: string;
  readonly temperature?: number;
  readonly maxTokens?: number;
  /** Names of tools with a city as argument. */
  readonly tools?: readonly string[];
  readonly toolChoice?: "required";
  readonly schema?: Record<string, unknown>;
  /** A PNG in base64. */
  readonly image?: string;
  readonly signal?: AbortSignal;
  readonly model?: string;
}

/** What a client made of an answer. */
export interface Told {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  readonly reason: string;
  readonly usage: readonly (number | undefined)[];
}

/** An official client, asked and read in one way. */
export interface DialectClient {
  readonly name: string;
  whole(ask: Ask): Promise<Told>;
  streamed(ask: Ask): Promise<Told>;
}

const PARAMETERS = {
  type: "object" as const,
  properties: { city: { type: "string" } },
  required: ["city"],
};

const parse = (json: string): unknown => JSON.parse(json);

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

export function ollamaChat(origin: string, apiKey: string): DialectClient {
  const open = (ask: Ask) =>
    new Ollama({
      host: origin,
      headers: { authorization: `Bearer ${apiKey}` },
      fetch: (url, init) =>
        fetch(url, { ...init, ...(ask.signal === undefined ? {} : { signal: ask.signal }) }),
    });
  const bodyOf = (ask: Ask) => ({
    model: ask.model ?? "m",
    messages: [
      ...(ask.system === undefined ? [] : [{ role: "system", content: ask.system }]),
      ...ask.turns.map(({ role, content }, index) =>
        ask.image === undefined || index < ask.turns.length - 1
          ? { role, content }
          : { role, content, images: [ask.image] },
      ),
    ],
    options: {
      ...(ask.stop === undefined ? {} : { stop: [ask.stop] }),
      ...(ask.temperature === undefined ? {} : { temperature: ask.temperature }),
      ...(ask.maxTokens === undefined ? {} : { num_predict: ask.maxTokens }),
    },
    ...(ask.tools === undefined
      ? {}
      : {
          tools: ask.tools.map((name) => ({
            type: "function",
            function: { name, description: "", parameters: PARAMETERS },
          })),
        }),
    ...(ask.schema === undefined ? {} : { format: ask.schema }),
  });
  type Line = Awaited<ReturnType<Ollama["chat"]>> extends infer R ? R : never;
  const told = (lines: readonly Line[]): Told => {
    const last = lines.at(-1);
    return {
      text: lines.map(({ message }) => message.content).join(""),
      reasoning: lines.map(({ message }) => message.thinking ?? "").join(""),
      calls: lines
        .flatMap(({ message }) => message.tool_calls ?? [])
        .map((call) => ({ name: call.function.name, input: call.function.arguments })),
      reason: last?.done_reason ?? "",
      usage: [last?.prompt_eval_count, last?.eval_count],
    };
  };
  return {
    name: "Ollama chat",
    whole: async (ask) => told([await open(ask).chat({ ...bodyOf(ask), stream: false })]),
    streamed: async (ask) => {
      const lines: Line[] = [];
      for await (const line of await open(ask).chat({ ...bodyOf(ask), stream: true })) lines.push(line);
      return told(lines);
    },
  };
}

/** Every dialect in which models answer conversations. */
export const CLIENTS = [openAIChat, openAIResponses, anthropicMessages, ollamaChat];
