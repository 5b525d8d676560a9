import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import type { StreamPart } from "abstractllm";
import type { BegunAnswer } from "./begin-answer.ts";
import { JsonText } from "./json-text.ts";
import { outcomeOf } from "./outcome.ts";
import { PartWriter, type TextGate } from "./part-writer.ts";
import { UNKNOWN_USAGE } from "./to-facts.ts";

const OPEN: TextGate = { push: (text) => text };
/** An answer that may be given anew is sent when it is checked. */
const SHUT: TextGate = { push: () => "" };

/** How an answer goes on. */
export interface StreamOptions {
  readonly signal: AbortSignal | undefined;
  /** Sends the library's own parts along. */
  readonly includeRawChunks: boolean;
  /** An error as the AI SDK's. */
  readonly mapError: (error: unknown) => unknown;
}

/** An answer as the AI SDK streams it. Cancelling the stream ends the answer. */
export function toStream(
  answer: BegunAnswer,
  options: StreamOptions,
): ReadableStream<LanguageModelV3StreamPart> {
  const { stream, call } = answer;
  const parts = write(answer, options);
  return new ReadableStream<LanguageModelV3StreamPart>({
    start(controller) {
      controller.enqueue({ type: "stream-start", warnings: [...call.warnings] });
    },
    async pull(controller) {
      const { value, done } = await parts.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => stream.abort(reason),
  });
}

async function* write(
  answer: BegunAnswer,
  options: StreamOptions,
): AsyncGenerator<LanguageModelV3StreamPart> {
  const { stream, first, rest, call } = answer;
  const writer = new PartWriter(gateOf(call.options));
  try {
    for (let part: StreamPart | undefined = first; part !== undefined; part = (await rest.next()).value) {
      if (options.includeRawChunks) yield { type: "raw", rawValue: part };
      yield* writer.read(part);
    }
    yield* writer.finish(await outcomeOf(stream));
  } catch (error) {
    if (options.signal?.aborted === true) throw error; // the AI SDK takes it for what it is
    yield { type: "error", error: options.mapError(error) };
    yield { type: "finish", usage: UNKNOWN_USAGE, finishReason: { unified: "error", raw: undefined } };
  }
}

function gateOf({ schema, maxSchemaRetries = 0 }: BegunAnswer["call"]["options"]): TextGate {
  if (schema === undefined) return OPEN;
  return maxSchemaRetries > 0 ? SHUT : new JsonText();
}
