import { randomUUID } from "node:crypto";
import type { FinishReason, Timings, Usage } from "../../interface/generate-response.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import type { ProviderAnswer } from "../base-provider.ts";
import {
  AnswerWriter,
  asArray,
  asCount,
  asRecord,
  asText,
  type HttpResponse,
  type JsonRecord,
  type RemoteClient,
} from "../remote/index.ts";

const NANOSECONDS_PER_SECOND = 1e9;
const NANOSECONDS_PER_MS = 1e6;

/**
 * Reads an answer of `/api/chat`: a JSON object per line, the last with `done` and the figures.
 *
 * @param alternatives - to each token whose log probabilities are asked for. Default: none are
 * @throws {ProviderConnectionError} when the answer ends without that last line
 */
export async function readAnswer(
  client: RemoteClient,
  response: HttpResponse,
  emit: (part: DeltaPart) => void,
  alternatives?: number,
): Promise<ProviderAnswer> {
  const writer = new AnswerWriter(emit, alternatives);
  for await (const line of client.jsonLines(response)) {
    const chunk = asRecord(line);
    if (chunk.error !== undefined) throw client.reported(chunk);
    const message = asRecord(chunk.message);
    const [reasoning, text] = [asText(message.thinking), asText(message.content)];
    writer.piece({ reasoning, text, tokens: chunk.logprobs });
    for (const call of asArray(message.tool_calls)) addToolCall(writer, asRecord(call));
    if (chunk.done === true) return finish(writer, chunk);
  }
  throw client.brokenOff();
}

/** Tool calls come whole. */
function addToolCall(writer: AnswerWriter, call: JsonRecord): void {
  const { name, arguments: input } = asRecord(call.function);
  const id = asText(call.id) || `call_${randomUUID()}`;
  writer.startToolCall(id, id, asText(name));
  writer.toolInput(id, typeof input === "string" ? input : JSON.stringify(input ?? {}));
  writer.endToolCall(id);
}

function finish(writer: AnswerWriter, last: JsonRecord): ProviderAnswer {
  const written = writer.finish();
  const reason = asText(last.done_reason) || "stop"; // versions before 0.1.45 did not say
  const known: FinishReason = reason === "stop" || reason === "length" ? reason : "other";
  return {
    ...written,
    usage: readUsage(last),
    finishReason: known === "stop" && written.toolCalls.length > 0 ? "tool-calls" : known,
    rawFinishReason: reason,
    timings: readTimings(last),
    model: asText(last.model),
    raw: last,
  };
}

function readUsage(last: JsonRecord): Usage {
  const inputTokens = asCount(last.prompt_eval_count);
  const outputTokens = asCount(last.eval_count);
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cachedInputTokens: 0,
    reasoningTokens: 0,
  };
}

function readTimings(last: JsonRecord): Timings {
  const rate = (count: unknown, duration: unknown) =>
    asCount(duration) === 0 ? 0 : (asCount(count) / asCount(duration)) * NANOSECONDS_PER_SECOND;
  return {
    timeToFirstTokenMs: asCount(last.prompt_eval_duration) / NANOSECONDS_PER_MS,
    prefillTokensPerSecond: rate(last.prompt_eval_count, last.prompt_eval_duration),
    decodeTokensPerSecond: rate(last.eval_count, last.eval_duration),
    peakMemoryBytes: 0,
    totalMs: (asCount(last.total_duration) - asCount(last.load_duration)) / NANOSECONDS_PER_MS,
  };
}
