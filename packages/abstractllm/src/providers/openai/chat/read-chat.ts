import { randomUUID } from "node:crypto";
import type { FinishReason, Usage } from "../../../interface/generate-response.ts";
import type { DeltaPart } from "../../../interface/stream-part.ts";
import type { ProviderAnswer } from "../../base-provider.ts";
import {
  AnswerWriter,
  asArray,
  asCount,
  asRecord,
  asText,
  type HttpResponse,
  type JsonRecord,
  type RemoteClient,
} from "../../remote/index.ts";

/** How services name the ends of answers; the second half are names of servers that speak the protocol their own way. */
const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
  eos: "stop",
  end_turn: "stop",
  max_tokens: "length",
};

/**
 * Reads an answer of `/chat/completions`, streamed or, from servers that do not stream, whole.
 *
 * Takes what servers really send: reasoning as `reasoning_content` or `reasoning`, tool calls without index or id,
 * arguments as objects, usage in a chunk of its own or not at all, errors within the stream, no `[DONE]`.
 *
 * @param alternatives - to each token whose log probabilities are asked for. Default: none are
 * @throws {ProviderConnectionError} when the answer ends without an end
 */
export async function readChat(
  client: RemoteClient,
  response: HttpResponse,
  emit: (part: DeltaPart) => void,
  alternatives?: number,
): Promise<Omit<ProviderAnswer, "model"> & { model: string | undefined }> {
  const answer = new ChatAnswer(new AnswerWriter(emit, alternatives));
  let isDone = false;
  for await (const chunk of chunksOf(client, response)) {
    isDone = chunk === "done";
    if (chunk === "done") break;
    if (chunk.error !== undefined && chunk.error !== null) throw client.reported(chunk);
    answer.add(chunk);
  }
  if (!answer.hasEnded && !(isDone && answer.hasBegun)) throw client.brokenOff();
  return answer.finish();
}

async function* chunksOf(client: RemoteClient, response: HttpResponse): AsyncGenerator<JsonRecord | "done"> {
  if (/^application\/json\b/i.test(response.headers["content-type"] ?? "")) {
    yield asRecord(await client.json(response));
    return;
  }
  for await (const event of client.events(response)) {
    if (event === "done") yield event;
    else if (event.type === "error") yield { error: event.data, ...asRecord(event.data) };
    else yield asRecord(event.data);
  }
}

class ChatAnswer {
  readonly #writer: AnswerWriter;
  /** The key of the tool call that is being written. */
  #currentCall: number | string = -1;
  #refused = false;
  #finishReason = "";
  #usage: JsonRecord | undefined;
  #model: string | undefined;
  #raw: JsonRecord = {};
  hasBegun = false;

  constructor(writer: AnswerWriter) {
    this.#writer = writer;
  }

  get hasEnded(): boolean {
    return this.#finishReason !== "";
  }

  add(chunk: JsonRecord): void {
    this.#raw = chunk;
    this.#model ??= asText(chunk.model) || undefined;
    if (typeof chunk.usage === "object" && chunk.usage !== null) this.#usage = asRecord(chunk.usage);
    const choice = asArray(chunk.choices).map(asRecord)[0];
    if (choice === undefined) return;
    this.hasBegun = true;
    this.#addDelta(asRecord(choice.delta ?? choice.message), asRecord(choice.logprobs));
    this.#finishReason = asText(choice.finish_reason) || this.#finishReason;
  }

  #addDelta(delta: JsonRecord, logprobs: JsonRecord): void {
    const reasoning = asText(delta.reasoning_content) || asText(delta.reasoning);
    this.#writer.piece({ reasoning, text: asText(delta.content), tokens: logprobs.content });
    if (asText(delta.refusal) !== "") this.#refused = true;
    this.#writer.text(asText(delta.refusal), logprobs.refusal);
    for (const call of asArray(delta.tool_calls)) this.#addToolCall(asRecord(call));
  }

  #addToolCall(call: JsonRecord): void {
    const { name, arguments: input } = asRecord(call.function);
    const key = this.#keyOf(call, asText(name));
    if (!this.#writer.hasToolCall(key)) {
      this.#writer.startToolCall(key, asText(call.id) || `call_${randomUUID()}`, asText(name));
    }
    this.#currentCall = key;
    this.#writer.toolInput(key, typeof input === "string" ? input : input ? JSON.stringify(input) : "");
  }

  /** Its index; without one, a call with a name or a new id begins and others go on. */
  #keyOf({ index, id }: JsonRecord, name: string): number | string {
    if (typeof index === "number") return index;
    if (asText(id) !== "") return asText(id);
    return name === "" ? this.#currentCall : `unnamed-${randomUUID()}`;
  }

  finish(): Omit<ProviderAnswer, "model"> & { model: string | undefined } {
    const written = this.#writer.finish();
    const uncounted =
      this.#usage === undefined ? ["The service did not report how many tokens the answer took"] : [];
    const known = FINISH_REASONS[this.#finishReason] ?? "other";
    // some servers say "stop" after tool calls
    const withTools = known === "stop" && written.toolCalls.length > 0 ? "tool-calls" : known;
    return {
      ...written,
      usage: readUsage(this.#usage ?? {}),
      finishReason: this.#refused ? "content-filter" : withTools,
      rawFinishReason: this.#finishReason,
      warnings: [...uncounted, ...written.warnings],
      model: this.#model,
      raw: this.#raw,
    };
  }
}

function readUsage(usage: JsonRecord): Usage {
  const inputTokens = asCount(usage.prompt_tokens);
  const outputTokens = asCount(usage.completion_tokens);
  return {
    inputTokens,
    outputTokens,
    totalTokens: asCount(usage.total_tokens) || inputTokens + outputTokens,
    cachedInputTokens: readCached(usage),
    reasoningTokens: asCount(asRecord(usage.completion_tokens_details).reasoning_tokens),
  };
}

/** Tokens of the prompt that were read from a cache: where OpenAI has them, DeepSeek, or Moonshot. */
function readCached(usage: JsonRecord): number {
  const { prompt_tokens_details, prompt_cache_hit_tokens, cached_tokens } = usage;
  return asCount(asRecord(prompt_tokens_details).cached_tokens ?? prompt_cache_hit_tokens ?? cached_tokens);
}
