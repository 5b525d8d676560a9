import { randomBytes } from "node:crypto";
import type { DeltaPart } from "../interface/stream-part.ts";
import type { TokenLogprob } from "../interface/token-logprob.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import type { WrittenCall } from "./written-call.ts";
import { WrittenTokens } from "./written-tokens.ts";

/** Where parts go, and how. */
export interface PartsOptions {
  readonly emit: (part: DeltaPart) => void;
  /** White space before a tool call is no text, so it waits for what follows. */
  readonly holdSpace: boolean;
  /** Ids of the conversation's earlier calls, which no new call may have. */
  readonly usedIds: ReadonlySet<string>;
}

/**
 * An answer's text, reasoning and calls, sent on as they come and kept as a whole. Whatever the answer is written with passes
 * through here in order, as text, as reasoning or over it.
 */
export class AnswerParts {
  text = "";
  reasoning = "";
  readonly logprobs: TokenLogprob[] = [];
  readonly toolCalls: ToolCall[] = [];
  readonly #tokens = new WrittenTokens();
  /** Of tokens whose text waits. */
  #textLogprobs: TokenLogprob[] = [];
  readonly #options: PartsOptions;
  /** White space whose turn comes when something follows it. */
  #textSpace = "";
  #reasoningSpace = "";
  #afterReasoning = false;

  constructor(options: PartsOptions) {
    this.#options = options;
  }

  /** Takes what was written, which is read in its turn. */
  write(text: string, logprobs: readonly TokenLogprob[] = []): void {
    this.#tokens.push(text, logprobs);
  }

  /** Leaves out so many characters of what was written: a mark, or a call. */
  passOver(length: number): void {
    this.#tokens.take(length);
  }

  addText(piece: string): void {
    this.#textLogprobs.push(...this.#tokens.take(piece.length));
    const isFirst = this.text === "" && this.#afterReasoning;
    const whole = isFirst ? (this.#textSpace + piece).trimStart() : this.#textSpace + piece;
    const text = this.#options.holdSpace ? whole.trimEnd() : whole;
    this.#textSpace = whole.slice(text.length);
    if (whole === "") this.#textLogprobs = [];
    this.#sendText(text);
  }

  #sendText(text: string): void {
    if (text === "") return;
    this.text += text;
    const logprobs = this.#textLogprobs;
    this.#textLogprobs = [];
    this.logprobs.push(...logprobs);
    this.#options.emit({ type: "text-delta", text, ...(logprobs.length === 0 ? {} : { logprobs }) });
  }

  addReasoning(piece: string): void {
    this.passOver(piece.length);
    const whole = this.#reasoningSpace + piece;
    const text = this.reasoning === "" ? whole.trim() : whole.trimEnd();
    this.#reasoningSpace = text === "" && this.reasoning === "" ? "" : whole.slice(whole.trimEnd().length);
    if (text === "") return;
    this.reasoning += text;
    this.#options.emit({ type: "reasoning-delta", text });
  }

  /** The white space around reasoning is no part of it, nor of the text that follows. */
  endReasoning(): void {
    this.#reasoningSpace = this.reasoning === "" ? "" : "\n\n"; // between this and more of it
    this.#afterReasoning = true;
  }

  addCall(call: WrittenCall): void {
    const id = this.startCall(call.name, call.id);
    this.addInput(id, JSON.stringify(call.arguments));
    this.endCall(id, call);
  }

  /**
   * Begins a call whose arguments are still being written.
   *
   * @param given - the id that the model gave it, which it has unless another call has it already
   * @returns its id
   */
  startCall(name: string, given?: string): string {
    const id = given === undefined || this.#isTaken(given) ? newId() : given;
    this.#options.emit({ type: "tool-input-start", id, name });
    return id;
  }

  #isTaken(id: string): boolean {
    return this.#options.usedIds.has(id) || this.toolCalls.some((earlier) => earlier.id === id);
  }

  addInput(id: string, text: string): void {
    if (text !== "") this.#options.emit({ type: "tool-input-delta", id, text });
  }

  endCall(id: string, { name, arguments: input }: WrittenCall): void {
    const toolCall: ToolCall = { id, name, arguments: input };
    this.toolCalls.push(toolCall);
    this.#options.emit({ type: "tool-call", toolCall });
  }

  end(): void {
    const rest = this.#textSpace;
    this.#textSpace = "";
    if (rest === "" || this.toolCalls.length > 0) return;
    this.#sendText(rest);
  }
}

const ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Nine letters and digits, which is what Mistral's templates insist on. */
function newId(): string {
  return Array.from(randomBytes(9), (byte) => ID_CHARACTERS.charAt(byte % ID_CHARACTERS.length)).join("");
}
