import type { DeltaPart } from "../../interface/stream-part.ts";
import type { TokenLogprob } from "../../interface/token-logprob.ts";
import type { ToolCall } from "../../interface/tool-call.ts";
import { asArray } from "./json-value.ts";
import { readLogprobs } from "./read-logprobs.ts";
import { TextTokens } from "./text-tokens.ts";

/** What has been written of an answer. */
export interface WrittenAnswer {
  readonly text: string;
  readonly reasoning?: string;
  readonly toolCalls: readonly ToolCall[];
  /** Of the tokens of `text`, where they were asked for and came. */
  readonly logprobs?: readonly TokenLogprob[];
  /** What was asked for and did not come. */
  readonly warnings: readonly string[];
}

interface Piece {
  readonly reasoning: string;
  readonly text: string;
  /** What the service says of the tokens that wrote it, in its own form; without text they may be of the next piece. */
  readonly tokens: unknown;
}

interface OpenToolCall {
  id: string;
  name: string;
  input: string;
}

/** Hands out the parts of an answer as they come, and keeps the whole. */
export class AnswerWriter {
  readonly #emit: (part: DeltaPart) => void;
  #text = "";
  #reasoning = "";
  readonly #open = new Map<string | number, OpenToolCall>();
  readonly #toolCalls: ToolCall[] = [];
  readonly #alternatives: number | undefined;
  readonly #tokens = new TextTokens();
  readonly #logprobs: TokenLogprob[] = [];
  #unreadable = 0;

  /** @param alternatives - to each token of the text whose log probabilities are asked for. Default: none are */
  constructor(emit: (part: DeltaPart) => void, alternatives?: number) {
    this.#emit = emit;
    this.#alternatives = alternatives;
  }

  /** Nothing was written yet. */
  get isEmpty(): boolean {
    return this.#text === "" && this.#reasoning === "" && this.#open.size + this.#toolCalls.length === 0;
  }

  /** More of the text. @param tokens - what the service says of the tokens that wrote it, in its own form */
  text(text: string, tokens?: unknown): void {
    this.#readTokens(tokens);
    if (text === "") return;
    this.#text += text;
    const logprobs = this.#tokens.take(text);
    for (const logprob of logprobs) this.#logprobs.push(logprob); // a whole answer may have more than a call takes
    this.#emit({ type: "text-delta", text, ...(logprobs.length === 0 ? {} : { logprobs }) });
  }

  /** More of the answer, in a form that may hold reasoning, text or both. */
  piece({ reasoning, text, tokens }: Piece): void {
    this.reasoning(reasoning);
    this.text(text, text === "" && reasoning !== "" ? undefined : tokens);
  }

  #readTokens(tokens: unknown): void {
    if (this.#alternatives === undefined) return; // some servers give them unasked
    const read = readLogprobs(tokens, this.#alternatives);
    this.#unreadable += asArray(tokens).length - read.length;
    this.#tokens.push(read);
  }

  reasoning(text: string): void {
    if (text === "") return;
    this.#tokens.passOver();
    this.#reasoning += text;
    this.#emit({ type: "reasoning-delta", text });
  }

  /** A tool call begins; `key` is what the service knows it by until it ends. */
  startToolCall(key: string | number, id: string, name: string): void {
    this.#open.set(key, { id, name, input: "" });
    this.#emit({ type: "tool-input-start", id, name });
  }

  hasToolCall(key: string | number): boolean {
    return this.#open.has(key);
  }

  /** More JSON text of a tool call's arguments. */
  toolInput(key: string | number, text: string): void {
    const call = this.#open.get(key);
    if (call === undefined || text === "") return;
    call.input += text;
    this.#emit({ type: "tool-input-delta", id: call.id, text });
  }

  /** A tool call is complete. */
  endToolCall(key: string | number): void {
    const call = this.#open.get(key);
    if (call === undefined) return;
    this.#open.delete(key);
    const toolCall = { id: call.id, name: call.name, ...parseArguments(call.input) };
    this.#toolCalls.push(toolCall);
    this.#emit({ type: "tool-call", toolCall });
  }

  /** Everything that was written; tool calls that are still open are complete now. */
  finish(): WrittenAnswer {
    for (const key of [...this.#open.keys()]) this.endToolCall(key);
    const reasoning = this.#reasoning === "" ? {} : { reasoning: this.#reasoning };
    return { text: this.#text, ...reasoning, toolCalls: this.#toolCalls, ...this.#finishLogprobs() };
  }

  #finishLogprobs(): Pick<WrittenAnswer, "logprobs" | "warnings"> {
    if (this.#alternatives === undefined) return { warnings: [] };
    const areMissing = this.#logprobs.length === 0 && this.#text !== "";
    const missing = areMissing ? [NO_LOGPROBS] : [];
    const warnings = this.#unreadable > 0 ? [someUnreadable(this.#unreadable)] : missing;
    return { ...(areMissing ? {} : { logprobs: this.#logprobs }), warnings };
  }
}

const NO_LOGPROBS = "The service gave no log probabilities; it may not have them, or not for this model";

const someUnreadable = (count: number): string =>
  `${count} of the service's log probabilities lack a token or a number, and are left out`;

/** Models leave out the arguments of a tool that takes none. */
function parseArguments(input: string): Pick<ToolCall, "arguments" | "invalidArguments"> {
  if (input.trim() === "") return { arguments: {} };
  try {
    const value: unknown = JSON.parse(input);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return { arguments: value as Record<string, unknown> };
    }
  } catch {
    // the text is handed on as it is, for the model to be told
  }
  return { arguments: {}, invalidArguments: input };
}
