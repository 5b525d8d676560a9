import type { DeltaPart } from "../interface/stream-part.ts";
import type { TokenLogprob } from "../interface/token-logprob.ts";
import type { ToolSpec } from "../interface/tool.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import { dialectOf } from "./dialect-table.ts";
import { HarmonyReader } from "./harmony-reader.ts";
import { MarkedReader } from "./marked-reader.ts";
import type { ReasoningMarks } from "./tool-dialect.ts";

/** Turns the text that a model writes into parts: reasoning, text, tool calls. */
export interface AnswerReader {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  /** Of the tokens of `text`. */
  readonly logprobs: readonly TokenLogprob[];
  /**
   * Takes more of the answer; however it is cut up, the parts add up to the same.
   *
   * @param logprobs - of the tokens that the text begins or goes on with. Default: none are known
   */
  push(text: string, logprobs?: readonly TokenLogprob[]): void;
  /**
   * Takes the end of the answer.
   *
   * @param isCutOff - it ended for its length, so that a call without its end is not trusted
   */
  end(isCutOff: boolean): void;
}

/** How a model writes, and who listens. */
export interface ReaderOptions {
  /** Name of its dialect, as `@abstractllm/mlx` gives it; `"prompted_json"` for `withPromptedTools`. */
  readonly dialect?: string | undefined;
  readonly reasoning?: ReasoningMarks | undefined;
  /** The prompt ended within reasoning. Default false. */
  readonly startsInReasoning?: boolean | undefined;
  /** Nothing but a call can follow where one was opened, so that its arguments need not wait for its end. Default false. */
  readonly areCallsHeld?: boolean | undefined;
  /** Without tools nothing is read as a call. */
  readonly tools: readonly ToolSpec[];
  readonly usedIds: ReadonlySet<string>;
  readonly emit: (part: DeltaPart) => void;
}

/** The reader for a model's way of writing. Malformed calls stay text. */
export function createAnswerReader(options: ReaderOptions): AnswerReader {
  const { dialect = "" } = options;
  if (dialect === "harmony") return new HarmonyReader(options);
  return new MarkedReader({ ...options, dialect: dialectOf(dialect) });
}

/** What a tokenizer must leave in the text for the reader, although it may be special tokens. */
export function marksOf(options: Pick<ReaderOptions, "dialect" | "reasoning" | "tools">): string[] {
  if (options.dialect === "harmony") return [...HarmonyReader.MARKS];
  const { start, end, marks = [], ignored = [] } = dialectOf(options.dialect ?? "") ?? {};
  const ofCalls = options.tools.length === 0 ? [] : [start, end, ...marks];
  const all = [options.reasoning?.start, options.reasoning?.end, ...ignored, ...ofCalls];
  return all.filter((mark) => mark !== undefined);
}
