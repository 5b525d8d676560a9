import { Ollama } from "ollama";
import { type Ask, type DialectClient, PARAMETERS, type Told } from "./dialect-client.ts";

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
