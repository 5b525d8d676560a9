/** A prompt's continuation as text parts. */
import * as mx from "../core/index.ts";
import type { FinishReason, GenerateRequest, GenerationPart, Timings } from "../engine/types.ts";
import { MlxError } from "../errors.ts";
import type { LanguageModel } from "../models/index.ts";
import { StopMatcher, type Tokenizer } from "../tokenizer/index.ts";
import { checkPromptTokens, checkRequest } from "./check-request.ts";
import { now } from "./clock.ts";
import { TokenSequence } from "./token-sequence.ts";

/** What generation needs to know of a loaded model. */
export interface TextModel {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly vocabSize: number;
  readonly contextLength: number | undefined;
  readonly device: "cpu" | "gpu";
}

const PREFILL_STEP = { cpu: 512, gpu: 2048 } as const;

type RawFinishReason = "eos" | "stop-sequence" | "max-tokens" | "context-length";

const finishReasons: Record<RawFinishReason, FinishReason> = {
  eos: "stop",
  "stop-sequence": "stop",
  "max-tokens": "length",
  "context-length": "length",
};

/** How many tokens may come back, and what ends the answer when they are used up. */
const outputLimit = (promptLength: number, maxTokens: number, contextLength: number | undefined) => {
  const room = (contextLength ?? Number.POSITIVE_INFINITY) - promptLength;
  if (room < 1) {
    throw new MlxError(
      "context-length",
      `The prompt has ${promptLength} tokens, but the model's context of ${contextLength} must hold prompt and answer. Shorten the prompt.`,
      { details: { contentLength: promptLength, contextLength } },
    );
  }
  return maxTokens <= room
    ? { limit: maxTokens, atLimit: "max-tokens" as const }
    : { limit: room, atLimit: "context-length" as const };
};

const perSecond = (count: number, ms: number): number => (ms > 0 ? (count * 1000) / ms : 0);

/** Times of one request. */
class Stopwatch {
  readonly #start = now();
  #first = 0;

  token(): void {
    if (this.#first === 0) this.#first = now();
  }

  timings(promptTokens: number, outputTokens: number): Timings {
    const end = now();
    const first = this.#first === 0 ? end : this.#first;
    return {
      timeToFirstTokenMs: first - this.#start,
      // the last prompt token is evaluated with the first step
      prefillTokensPerSecond: perSecond(promptTokens, first - this.#start),
      decodeTokensPerSecond: perSecond(outputTokens - 1, end - first),
      peakMemoryBytes: mx.getPeakMemory(),
      totalMs: end - this.#start,
    };
  }
}

/**
 * Continues a prompt. Yields text as it becomes final, then one finish part; `undefined` marks a moment to look
 * after other work. Stop the iteration to stop generating.
 *
 * @param promptTokens - the whole prompt, template applied
 * @throws {InvalidArgumentError} on bad options
 * @throws {MlxError} `context-length` when the prompt leaves no room
 */
export function* generateText(
  text: TextModel,
  promptTokens: readonly number[],
  request: GenerateRequest,
): Generator<GenerationPart | undefined> {
  checkRequest(request, text.vocabSize);
  checkPromptTokens(promptTokens, text.vocabSize);
  const { limit, atLimit } = outputLimit(promptTokens.length, request.maxTokens, text.contextLength);
  const stopwatch = new Stopwatch();
  mx.resetPeakMemory();
  const sequence = new TokenSequence(text.model, promptTokens, {
    sampling: request,
    vocabSize: text.vocabSize,
    prefillStepSize: request.prefillStepSize ?? PREFILL_STEP[text.device],
  });
  try {
    for (const _done of sequence.prefill()) yield undefined;
    const { raw, count } = yield* decode(text, sequence, request, limit, atLimit, stopwatch);
    yield {
      type: "finish",
      finishReason: finishReasons[raw],
      rawFinishReason: raw,
      usage: {
        inputTokens: promptTokens.length,
        outputTokens: count,
        totalTokens: promptTokens.length + count,
        cachedInputTokens: 0,
        reasoningTokens: 0,
      },
      timings: stopwatch.timings(promptTokens.length, count),
      warnings: [],
    };
  } finally {
    sequence.dispose();
  }
}

function* decode(
  { tokenizer, eosTokenIds }: TextModel,
  sequence: TokenSequence,
  { stop = [], ignoreEos = false }: GenerateRequest,
  limit: number,
  atLimit: RawFinishReason,
  stopwatch: Stopwatch,
): Generator<GenerationPart | undefined, { raw: RawFinishReason; count: number }> {
  const detokenizer = tokenizer.createDetokenizer({ skipSpecialTokens: true });
  const matcher = new StopMatcher(stop);
  let held: number[] = []; // tokens whose text is not out yet
  const emit = (piece: string): GenerationPart | undefined => {
    if (piece === "") return undefined;
    const tokens = held;
    held = [];
    return { type: "text-delta", text: piece, tokens };
  };
  for (let count = 1; ; count++) {
    const token = sequence.next(count === limit);
    stopwatch.token();
    if (!ignoreEos && eosTokenIds.has(token)) {
      yield emit(matcher.push(detokenizer.flush()).text + matcher.flush());
      return { raw: "eos", count };
    }
    held.push(token);
    const { text, stopped } = matcher.push(detokenizer.add(token));
    yield emit(text);
    if (stopped) return { raw: "stop-sequence", count };
    if (count === limit) {
      const rest = matcher.push(detokenizer.flush());
      yield emit(rest.text + matcher.flush());
      return { raw: rest.stopped ? "stop-sequence" : atLimit, count };
    }
  }
}
