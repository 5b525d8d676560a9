import { UnsupportedOperationError } from "../errors/index.ts";
import type { GenerateResponse } from "./generate-response.ts";
import { isOfAnswer } from "./is-of-answer.ts";
import type { DeltaPart, StreamPart } from "./stream-part.ts";
import { type TextStream, textStreamOf } from "./text-stream.ts";

/** Produces an answer: hands over deltas as they come and resolves with the whole. */
export type StreamProducer<Response extends GenerateResponse = GenerateResponse> = (
  emit: (part: DeltaPart) => void,
  signal: AbortSignal,
) => Promise<Response>;

/** What there is of an answer that is being written. */
export type Written = Readonly<{ text: string; reasoning: string }>;

/**
 * An answer that is being written: iterate it for the parts, or await `response` for the whole, or both.
 *
 * The parts end with exactly one `finish` or `error`; iterating never throws. Generation starts at once, and leaving the
 * loop early aborts it. `response` rejects with the error of the `error` part; when nobody looks at it, that is no
 * unhandled rejection. Parts that nobody has read yet are kept, at most one answer's worth. `Unfinished` is the type of an
 * `object-delta`, which the schema of the call says.
 */
export class LLMStream<Response extends GenerateResponse = GenerateResponse, Unfinished = unknown>
  implements AsyncIterable<StreamPart<Unfinished>>
{
  /** The finished answer. */
  readonly response: Promise<Response>;
  /**
   * Resolves when the answer begins, and rejects where it fails before, so that a web server can still choose its status.
   * When nobody looks at it, a rejection is no unhandled one.
   */
  readonly started: Promise<void>;
  readonly #parts: StreamPart[] = [];
  readonly #controller = new AbortController();
  readonly #readers: (() => void)[] = [];
  readonly #written = { text: "", reasoning: "" };
  #begin: (first: StreamPart) => void = () => {};
  #ended = false;
  #taken = false;

  constructor(produce: StreamProducer<Response>) {
    this.started = new Promise((resolve, reject) => {
      this.#begin = (first) => (first.type === "error" ? reject(first.error) : resolve());
    });
    this.started.catch(() => {});
    this.response = this.#run(produce);
    this.response.catch(() => {});
  }

  /**
   * What the model has written of its latest answer; it stays when the stream breaks off. An answer behind tool calls, or
   * one that is given anew for its schema, begins empty.
   *
   * @example
   * ```ts
   * setTimeout(() => stream.abort(), 1000);
   * const text = await stream.response.then((whole) => whole.text, () => stream.written.text);
   * ```
   */
  get written(): Written {
    return this.#written;
  }

  /**
   * The text alone, for those who need no other parts: a web `ReadableStream` that can also be iterated. Unlike the parts,
   * it throws the error that the answer broke off with. Leaving or cancelling it aborts the generation, and reading it takes
   * the parts. Texts before and behind tool calls follow each other.
   *
   * @example
   * ```ts
   * for await (const text of llm.stream("Tell me a story").textStream) process.stdout.write(text);
   * ```
   */
  get textStream(): TextStream {
    return textStreamOf(this);
  }

  /** Ends the generation; the stream then ends with an `error` part that holds the reason. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  /** @throws {UnsupportedOperationError} the second time: the parts are handed out once */
  [Symbol.asyncIterator](): AsyncIterator<StreamPart<Unfinished>, undefined>;
  [Symbol.asyncIterator](): AsyncIterator<StreamPart, undefined> {
    if (this.#taken) {
      throw new UnsupportedOperationError(
        "iterate",
        "a stream can be read once; await stream.response for the whole",
      );
    }
    this.#taken = true;
    return {
      next: () => this.#next(),
      return: async () => {
        this.abort(new DOMException("The stream was left before its end", "AbortError"));
        this.#parts.length = 0;
        this.#ended = true;
        this.#wake();
        return { done: true, value: undefined };
      },
    };
  }

  async #run(produce: StreamProducer<Response>): Promise<Response> {
    const { signal } = this.#controller;
    try {
      const response = await produce((part) => this.#push(part), signal);
      signal.throwIfAborted();
      const { finishReason, rawFinishReason, usage, warnings, timings } = response;
      this.#end({
        type: "finish",
        finishReason,
        rawFinishReason,
        usage,
        warnings,
        ...(timings === undefined ? {} : { timings }),
      });
      return response;
    } catch (error) {
      const cause = signal.aborted ? signal.reason : error;
      this.#end({ type: "error", error: cause });
      throw cause;
    }
  }

  #end(part: StreamPart): void {
    this.#push(part);
    this.#ended = true;
  }

  #push(part: StreamPart): void {
    if (isOfAnswer(part)) this.#begin(part);
    if (this.#ended) return;
    this.#write(part);
    this.#parts.push(part);
    this.#wake();
  }

  #write(part: StreamPart): void {
    const written = this.#written;
    if (part.type === "text-delta") written.text += part.text;
    if (part.type === "reasoning-delta") written.reasoning += part.text;
    if (part.type === "step-finish") written.text = written.reasoning = "";
  }

  #wake(): void {
    for (const resume of this.#readers.splice(0)) resume();
  }

  async #next(): Promise<IteratorResult<StreamPart, undefined>> {
    for (;;) {
      const part = this.#parts.shift();
      if (part !== undefined) return { done: false, value: part };
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#readers.push(resolve);
      });
    }
  }
}
