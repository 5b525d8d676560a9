import type { Message } from "./message.ts";
import type { JsonSchema, Schema } from "./schema.ts";
import type { ToolCall } from "./tool-call.ts";

/** What a tool gets beside its arguments. */
export interface ToolContext {
  toolCallId: string;
  /** The conversation up to the call, the message that asks for it included. */
  messages: readonly Message[];
  /** Fires when the whole call is aborted, or the tool's time is up. */
  signal: AbortSignal;
}

/** Something a model may ask for. Made by `tool()`. */
export interface Tool<Input = unknown, Output = unknown> {
  /** 1 to 64 letters, digits, `_` and `-`. */
  readonly name: string;
  /** What it does and when to use it, for the model. */
  readonly description?: string | undefined;
  /** The shape of its arguments, an object. Default: no arguments. */
  readonly parameters?: Schema | undefined;
  /**
   * Does it. What it returns goes to the model: a string as it is, anything else as JSON; the message of what it
   * throws goes there too. Without it the call ends and hands the tool call to the caller.
   */
  execute?(input: Input, context: ToolContext): Output | PromiseLike<Output>;
  /** Most milliseconds that `execute` may take; the model is then told so. Default: no limit of its own. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether a model that runs here (mlx) is held to `parameters` while it writes a call; `false` holds it to the name only.
   * Arguments are checked in either case, and services hold models as they do. Default true, where its way of writing calls
   * allows that.
   */
  readonly strict?: boolean | undefined;
}

/** A tool as a provider sends it to its model. */
export interface ToolSpec {
  readonly name: string;
  readonly description?: string;
  /** Of type `"object"`. */
  readonly parameters: JsonSchema;
  /** Its calls are not to be held to `parameters`. */
  readonly strict?: false;
}

/** Which tool the model must call: any or none as it likes, none, at least one, or this one. */
export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };

/** Allows a tool call, or refuses it with or without a reason that the model is told. */
export type ToolApproval = boolean | { readonly approved: boolean; readonly reason?: string | undefined };

/** Asked before each tool runs, also for several at once. What it throws ends the call. */
export type ApproveToolCall = (
  toolCall: ToolCall,
  context: ToolContext,
) => ToolApproval | PromiseLike<ToolApproval>;
