import type { DeltaPart } from "../../interface/stream-part.ts";
import type { ToolCall } from "../../interface/tool-call.ts";

/** What has been written of an answer. */
export interface WrittenAnswer {
  readonly text: string;
  readonly reasoning?: string;
  readonly toolCalls: readonly ToolCall[];
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

  constructor(emit: (part: DeltaPart) => void) {
    this.#emit = emit;
  }

  /** Nothing was written yet. */
  get isEmpty(): boolean {
    return this.#text === "" && this.#reasoning === "" && this.#open.size + this.#toolCalls.length === 0;
  }

  text(text: string): void {
    if (text === "") return;
    this.#text += text;
    this.#emit({ type: "text-delta", text });
  }

  reasoning(text: string): void {
    if (text === "") return;
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
    return { text: this.#text, ...reasoning, toolCalls: this.#toolCalls };
  }
}

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
