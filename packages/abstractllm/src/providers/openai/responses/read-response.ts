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

const INCOMPLETE: Readonly<Record<string, FinishReason>> = {
  max_output_tokens: "length",
  content_filter: "content-filter",
};

const TEXT_EVENTS: ReadonlySet<string> = new Set(["response.output_text.delta", "response.refusal.delta"]);

const REASONING_EVENTS: ReadonlySet<string> = new Set([
  "response.reasoning_summary_text.delta",
  "response.reasoning_text.delta",
]);

/**
 * Reads an answer of `/responses`, streamed or whole. Events that are not known are passed over.
 *
 * @param alternatives - to each token whose log probabilities are asked for. Default: none are
 * @throws {ProviderConnectionError} when the stream ends before the response does
 */
export async function readResponse(
  client: RemoteClient,
  response: HttpResponse,
  emit: (part: DeltaPart) => void,
  alternatives?: number,
): Promise<ProviderAnswer> {
  const writer = new AnswerWriter(emit, alternatives);
  if (/^application\/json\b/i.test(response.headers["content-type"] ?? "")) {
    const whole = asRecord(await client.json(response));
    if (whole.error !== undefined && whole.error !== null) throw client.reported(whole);
    writeOutput(writer, whole);
    return finish(writer, whole, false);
  }
  let hasRefused = false;
  for await (const event of client.events(response)) {
    if (event === "done") break;
    const data = asRecord(event.data);
    const type = asText(data.type) || event.type;
    if (type === "error" || asText(asRecord(data.error).message) !== "") {
      throw client.reported({ error: data, ...data });
    }
    if (type === "response.failed") throw client.reported(data.response);
    if (type === "response.completed" || type === "response.incomplete") {
      return finish(writer, asRecord(data.response), hasRefused);
    }
    hasRefused ||= type === "response.refusal.delta";
    write(writer, type, data);
  }
  throw client.brokenOff();
}

function write(writer: AnswerWriter, type: string, data: JsonRecord): void {
  const key = asCount(data.output_index);
  const delta = asText(data.delta);
  if (TEXT_EVENTS.has(type)) writer.text(delta, data.logprobs);
  else if (REASONING_EVENTS.has(type)) writer.reasoning(delta);
  else if (type === "response.function_call_arguments.delta") writer.toolInput(key, delta);
  else if (type === "response.output_item.done") writer.endToolCall(key);
  else if (type === "response.output_item.added") {
    const item = asRecord(data.item);
    if (item.type === "function_call") writer.startToolCall(key, asText(item.call_id), asText(item.name));
  }
}

/** The output of an answer that was not streamed. */
function writeOutput(writer: AnswerWriter, response: JsonRecord): void {
  for (const [index, item] of asArray(response.output).map(asRecord).entries()) {
    for (const part of asArray(item.summary)) writer.reasoning(asText(asRecord(part).text));
    for (const part of asArray(item.content).map(asRecord)) {
      if (item.type === "reasoning") writer.reasoning(asText(part.text));
      else writer.text(asText(part.text) || asText(part.refusal), part.logprobs);
    }
    if (item.type !== "function_call") continue;
    writer.startToolCall(index, asText(item.call_id), asText(item.name));
    writer.toolInput(index, asText(item.arguments));
  }
}

function finish(writer: AnswerWriter, response: JsonRecord, hasRefused: boolean): ProviderAnswer {
  const written = writer.finish();
  const cut = asText(asRecord(response.incomplete_details).reason);
  const whole: FinishReason = written.toolCalls.length > 0 ? "tool-calls" : "stop";
  const known = cut === "" ? whole : (INCOMPLETE[cut] ?? "other");
  return {
    ...written,
    usage: readUsage(asRecord(response.usage)),
    finishReason: hasRefused ? "content-filter" : known,
    rawFinishReason: cut || asText(response.status),
    model: asText(response.model),
    raw: response,
    providerData: { output: asArray(response.output) },
  };
}

function readUsage(usage: JsonRecord): Usage {
  const inputTokens = asCount(usage.input_tokens);
  const outputTokens = asCount(usage.output_tokens);
  return {
    inputTokens,
    outputTokens,
    totalTokens: asCount(usage.total_tokens) || inputTokens + outputTokens,
    cachedInputTokens: asCount(asRecord(usage.input_tokens_details).cached_tokens),
    reasoningTokens: asCount(asRecord(usage.output_tokens_details).reasoning_tokens),
  };
}
