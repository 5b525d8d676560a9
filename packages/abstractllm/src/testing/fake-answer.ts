import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { FinishReason, Usage } from "../interface/generate-response.ts";
import type { ProviderCall } from "../providers/provider-call.ts";

/** A tool call that a fake model makes. */
export interface FakeToolCall {
  readonly name: string;
  /** Default: none. */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
  /** Default: one that no other call of this model has. */
  readonly id?: string | undefined;
}

/** What a fake model answers when it is asked once. */
export interface FakeAnswer {
  /** What it says; a stream has it word by word. Default: nothing. */
  readonly text?: string | undefined;
  /** A value that it writes as JSON instead of `text`, for a call with a schema. It is checked as any model's answer is. */
  readonly object?: unknown;
  /** What it thinks before it answers. */
  readonly reasoning?: string | undefined;
  /** Tools that it asks for; those with `execute` are run, and the next answer is taken. */
  readonly toolCalls?: readonly FakeToolCall[] | undefined;
  /** Default `"tool-calls"` where it asks for tools, else `"stop"`. */
  readonly finishReason?: FinishReason | undefined;
  /** What it says of its tokens. Default: words of the prompt and the answer; `totalTokens` is their sum. */
  readonly usage?: Partial<Usage> | undefined;
  readonly warnings?: readonly string[] | undefined;
  /** Breaks the answer off behind its text, with this error. */
  readonly error?: unknown;
  /** Milliseconds before each word, to test time limits and aborts. Default 0. */
  readonly delayMs?: number | undefined;
}

/**
 * The answers of a fake model: one after the other, each a text, an error that the call fails with, or a `FakeAnswer`; or a
 * function that is asked each time.
 */
export type FakeAnswers =
  | readonly (string | Error | FakeAnswer)[]
  | ((call: ProviderCall) => string | Error | FakeAnswer | PromiseLike<string | Error | FakeAnswer>);

const FIELDS: Readonly<Record<keyof FakeAnswer, check.Check>> = {
  text: check.string,
  object: { expected: "JSON value", accepts: (value) => JSON.stringify(value) !== undefined, text: "json" },
  reasoning: check.string,
  toolCalls: {
    expected: "array of { name, arguments }",
    accepts: (value) =>
      Array.isArray(value) && value.every((call) => check.nonEmptyString.accepts(call?.name)),
    text: "json",
  },
  finishReason: check.oneOf("stop", "length", "tool-calls", "content-filter", "other"),
  usage: check.record,
  warnings: check.stringList,
  error: { expected: "error", accepts: () => true, text: "none" },
  delayMs: check.integer({ min: 0 }),
};

/**
 * An answer in its long form.
 *
 * @throws {InvalidParameterError} for what is none
 */
export function readFakeAnswer(answer: string | Error | FakeAnswer): FakeAnswer {
  if (typeof answer === "string") return { text: answer };
  if (answer instanceof Error) return { error: answer };
  if (check.record.accepts(answer)) return checkOwnOptions(answer, FIELDS, "fake");
  const message = `Expected text, error or object with text, object or toolCalls as answer but received ${describeValue(answer)}`;
  throw new InvalidParameterError("answers", undefined, message, { provider: "fake" });
}
