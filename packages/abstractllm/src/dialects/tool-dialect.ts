import type { ToolSpec } from "../interface/tool.ts";
import type { CallFollower } from "./call-follower.ts";
import type { Grammar, HeldPart } from "./grammar/index.ts";
import type { WrittenCall } from "./written-call.ts";

/** How a block of calls is written. */
export interface CallForm {
  /** One call. @throws {UnheldSchema} for parameters that there is no form for */
  readonly call: (tool: ToolSpec) => Grammar;
  /** What stands between `start` and the first call. Default: nothing. */
  readonly before?: Grammar;
  /** What stands between calls. Default: a block is one call. */
  readonly between?: Grammar;
  /** What stands between the last call and `end`. Default: nothing. */
  readonly after?: Grammar;
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
  /** Reads a block while it is written; absent where calls are known when they are complete. */
  readonly follow?: (tools: readonly ToolSpec[]) => CallFollower;
  /** The same for an answer that is calls as a whole. */
  readonly followBare?: (tools: readonly ToolSpec[]) => CallFollower;
  /** True while an `end` belongs to the block's content, such as one inside a string. */
  readonly isOpen?: (block: string) => boolean;
  /** How an answer begins that may be calls as a whole, without `start`; it is when all of them are of known tools. */
  readonly bare?: RegExp;
  /** How a block is written, in one form of several, for engines that hold a model to it; absent where no grammar tells. */
  readonly held?: readonly CallForm[];
  /** The same for answers that are calls as a whole. */
  readonly heldBare?: (tools: readonly ToolSpec[]) => readonly HeldPart[];
  /** What an answer that must be a call begins with. Default `start`. */
  readonly forcedStart?: string;
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
