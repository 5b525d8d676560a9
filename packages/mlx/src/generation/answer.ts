/** Tokens to the text parts of an answer. */
import * as mx from "../core/index.ts";
import type {
  FinishReason,
  GenerateRequest,
  GenerationPart,
  Timings,
  TokenLogprob,
  Usage,
} from "../engine/types.ts";
import { MlxError } from "../errors.ts";
import { StopMatcher, type StreamingDetokenizer } from "../tokenizer/index.ts";
import { now } from "./clock.ts";
import { HeldTokens } from "./held-tokens.ts";
import type { Prompt } from "./prompt.ts";
import { ReasoningWatch } from "./reasoning/index.ts";
import type { Speculation } from "./speculation/index.ts";
import type { TextModel } from "./text-model.ts";

type RawFinishReason = "eos" | "stop-sequence" | "constraint" | "max-tokens" | "context-length";

type Finish = Extract<GenerationPart, { type: "finish" }>;

const finishReasons: Record<RawFinishReason, FinishReason> = {
  eos: "stop",
  "stop-sequence": "stop",
  constraint: "stop",
  "max-tokens": "length",
  "context-length": "length",
};

/** How many tokens may come back, and what ends the answer when they are used up. */
const outputLimit = (promptLength: number, maxTokens: number, contextLength: number | undefined) => {
  const room = (contextLength ?? Number.POSITIVE_INFINITY) - promptLength;
  if (room < Math.min(1, maxTokens)) {
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

/** Times of one request, from when it is no longer waiting. */
class Stopwatch {
  #start = now();
  #first = 0;

  start(): void {
    this.#start = now();
  }

  token(): void {
    if (this.#first === 0) this.#first = now();
  }

  /** @param promptTokens - those that were evaluated */
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

/** One request's answer as it grows: text becomes final, a stop string or a limit ends it. */
export class Answer {
  readonly #promptLength: number;
  readonly #eosTokenIds: ReadonlySet<number>;
  readonly #limit: number;
  readonly #atLimit: RawFinishReason;
  readonly #detokenizer: StreamingDetokenizer;
  readonly #matcher: StopMatcher;
  readonly #stopwatch = new Stopwatch();
  readonly #reasoning: ReasoningWatch | undefined;
  readonly #held = new HeldTokens();
  #count = 0;
  #cachedTokens = 0; // of the prompt
  #speculation: Speculation | undefined;

  /** @throws {MlxError} `context-length` when the prompt leaves no room */
  constructor(
    { tokenizer, eosTokenIds, contextLength, reasoning }: TextModel,
    { inputs, tokens }: Pick<Prompt, "inputs" | "tokens">,
    { maxTokens, stop = [], ignoreEos = false, keepSpecialTokens = [], constraint }: GenerateRequest,
  ) {
    const { limit, atLimit } = outputLimit(tokens.length, maxTokens, contextLength);
    this.#promptLength = inputs.length;
    this.#eosTokenIds = ignoreEos ? new Set() : eosTokenIds;
    this.#limit = limit;
    this.#atLimit = atLimit;
    this.#detokenizer = tokenizer.createDetokenizer({
      skipSpecialTokens: true,
      keep: keepSpecialTokens,
      continues: constraint !== undefined && !("parts" in constraint), // it holds for all of the text
    });
    this.#matcher = new StopMatcher(stop);
    this.#reasoning = reasoning && new ReasoningWatch(reasoning, tokens);
  }

  /** Begins to count the time. */
  start(): void {
    this.#stopwatch.start();
  }

  /** Says how many tokens of the prompt needed no evaluation. */
  reuse(cachedTokens: number): void {
    this.#cachedTokens = cachedTokens;
  }

  /** Tokens of the prompt. */
  get promptUsage(): Pick<Usage, "inputTokens" | "cachedInputTokens"> {
    return { inputTokens: this.#promptLength, cachedInputTokens: this.#cachedTokens };
  }

  /** Says whose drafts are tried. */
  speculate(speculation: Speculation): void {
    this.#speculation = speculation;
  }

  /** How many tokens it can still take. */
  get left(): number {
    return this.#limit - this.#count;
  }

  /**
   * Takes the next token; gives the parts it completes, the last of them a finish when the answer ends.
   *
   * @param isComplete - nothing may follow it
   * @param logprob - its own, where the request asks for them
   */
  push(token: number, isComplete: boolean, logprob?: TokenLogprob): GenerationPart[] {
    this.#count += 1;
    this.#stopwatch.token();
    if (this.#eosTokenIds.has(token)) {
      return [...this.#delta(this.#rest().text), this.#finish("eos")];
    }
    this.#reasoning?.take(token);
    const piece = this.#detokenizer.add(token);
    this.#held.push(token, piece.length, logprob);
    const { text, stopped } = this.#matcher.push(piece);
    const parts = this.#delta(text);
    if (stopped) return [...parts, this.#finish("stop-sequence")];
    if (this.#count < this.#limit && !isComplete) return parts;
    const rest = this.#rest();
    const raw = isComplete ? "constraint" : this.#atLimit;
    return [...parts, ...this.#delta(rest.text), this.#finish(rest.stopped ? "stop-sequence" : raw)];
  }

  /** Ends an answer that is to have no tokens. */
  finishEmpty(): Finish {
    return this.#finish(this.#atLimit);
  }

  /** Text that waited for more. */
  #rest(): { text: string; stopped: boolean } {
    const { text, stopped } = this.#matcher.push(this.#detokenizer.flush());
    return { text: text + this.#matcher.flush(), stopped };
  }

  #delta(text: string): GenerationPart[] {
    if (text === "") return [];
    return [{ type: "text-delta", text, ...this.#held.take(text.length) }];
  }

  #finish(raw: RawFinishReason): Finish {
    return {
      type: "finish",
      finishReason: finishReasons[raw],
      rawFinishReason: raw,
      usage: {
        ...this.promptUsage,
        outputTokens: this.#count,
        totalTokens: this.#promptLength + this.#count,
        reasoningTokens: this.#reasoning?.tokens ?? 0,
      },
      timings: {
        ...this.#stopwatch.timings(this.#promptLength - this.#cachedTokens, this.#count),
        ...this.#speculation?.counts,
      },
      warnings: [...(this.#speculation?.warnings ?? [])],
    };
  }
}
