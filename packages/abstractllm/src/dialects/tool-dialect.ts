import type { ToolSpec } from "../interface/tool.ts";

/** A tool call as a text holds it. */
export interface WrittenCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** An id that the model gave. */
  readonly id?: string;
}

/** How the models of a family write tool calls. */
export interface ToolDialect {
  /** Opens a block of calls. */
  readonly start: string;
  /** Closes it; without one a block goes on to the end of the answer. */
  readonly end?: string;
  /**
   * The calls in a block.
   *
   * @param block - what stands between `start` and `end`
   * @returns none when the block is not what it should be; never throws
   */
  readonly parse: (block: string, tools: readonly ToolSpec[]) => readonly WrittenCall[];
  /** True while an `end` belongs to the block's content, such as one inside a string. */
  readonly isOpen?: (block: string) => boolean;
  /** How an answer begins that may be calls as a whole, without `start`; it is when all of them are of known tools. */
  readonly bare?: RegExp;
  /** How a call is written, where it is one JSON object with `name` and, under `input`, the arguments. */
  readonly json?: {
    readonly prefix: string;
    readonly suffix: string;
    readonly input: "arguments" | "parameters";
  };
  /** Marks within blocks, which a tokenizer must not leave out. */
  readonly marks?: readonly string[];
  /** Marks around ordinary text, which are no part of it. */
  readonly ignored?: readonly string[];
}

/** What opens and closes a model's reasoning. */
export interface ReasoningMarks {
  readonly start: string;
  readonly end: string;
}
