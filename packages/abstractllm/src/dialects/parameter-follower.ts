import type { ToolSpec } from "../interface/tool.ts";
import type { CallFollower, CallPiece } from "./call-follower.ts";
import { matchFrom, pendingLength } from "./find-mark.ts";

/** A parameter as it is written. */
interface WrittenParameter {
  readonly name: string;
  /** What else its mark says. */
  readonly head: string;
  readonly text: string;
}

/** How calls are written one parameter after another. Expressions have the flag `g`. */
export interface ParameterMarks {
  /** Opens a call, with the group `name`. */
  readonly call: RegExp;
  /** Closes it. Default: the end of the block does. */
  readonly callEnd?: string;
  /** Opens a parameter up to its text, with the group `name` and perhaps `head`. */
  readonly parameter: RegExp;
  readonly parameterEnd: string;
  /** What is around a text and no part of it: a line break, white space, nothing. */
  readonly around: "line" | "space" | "nothing";
  /** Whether a parameter can be nothing but the text that is written, unless that is `null`. */
  readonly isText: (
    parameter: Omit<WrittenParameter, "text">,
    tools: readonly ToolSpec[],
    tool: string,
  ) => boolean;
  readonly valueOf: (parameter: WrittenParameter, tools: readonly ToolSpec[], tool: string) => unknown;
}

interface OpenParameter {
  readonly name: string;
  readonly head: string;
  readonly start: number;
  readonly isText: boolean;
}

/** Follows calls whose arguments are texts between marks, and makes JSON of them. */
export class ParameterFollower implements CallFollower {
  readonly #marks: ParameterMarks;
  readonly #tools: readonly ToolSpec[];
  /** How far the block was read; of a text, how far it was handed on. */
  #at = 0;
  #tool: string | undefined;
  #values: [string, unknown][] = [];
  #parameter: OpenParameter | undefined;
  /** How far the block was searched for the parameter's end. */
  #searched = 0;
  /** Some of the parameter's text was handed on. */
  #hasText = false;
  #pieces: CallPiece[] = [];

  constructor(marks: ParameterMarks, tools: readonly ToolSpec[]) {
    this.#marks = marks;
    this.#tools = tools;
  }

  read(block: string, isWhole: boolean): readonly CallPiece[] {
    this.#pieces = [];
    for (let goesOn = true; goesOn; ) {
      if (this.#tool === undefined) goesOn = this.#openCall(block);
      else if (this.#parameter === undefined) goesOn = this.#openParameter(this.#tool, block, isWhole);
      else goesOn = this.#readText(this.#tool, this.#parameter, block);
    }
    return this.#pieces;
  }

  #openCall(block: string): boolean {
    const found = matchFrom(this.#marks.call, block, this.#at);
    const name = found?.groups?.name;
    if (found === undefined || name === undefined) return false;
    this.#at = found.index + found[0].length;
    this.#tool = name;
    this.#pieces.push({ type: "start", name, at: found.index });
    return true;
  }

  #openParameter(tool: string, block: string, isWhole: boolean): boolean {
    const { callEnd, parameter, isText } = this.#marks;
    const found = matchFrom(parameter, block, this.#at);
    const end = callEnd === undefined ? -1 : block.indexOf(callEnd, this.#at);
    if (found === undefined || (end >= 0 && end < found.index)) {
      if (end < 0 && (callEnd !== undefined || !isWhole)) return false;
      this.#at = end < 0 ? block.length : end + (callEnd ?? "").length;
      return this.#endCall(tool);
    }
    const { name = "", head = "" } = found.groups ?? {};
    const start = found.index + found[0].length;
    this.#at = start;
    this.#searched = start;
    this.#hasText = false;
    this.#parameter = { name, head, start, isText: isText({ name, head }, this.#tools, tool) };
    this.#input(`${this.#values.length === 0 ? "{" : ","}${JSON.stringify(name)}:`);
    return true;
  }

  #endCall(tool: string): true {
    this.#input(this.#values.length === 0 ? "{}" : "}");
    this.#pieces.push({ type: "end", call: { name: tool, arguments: Object.fromEntries(this.#values) } });
    this.#tool = undefined;
    this.#values = [];
    return true;
  }

  /** @returns whether the parameter is complete */
  #readText(tool: string, parameter: OpenParameter, block: string): boolean {
    const { parameterEnd } = this.#marks;
    const end = block.indexOf(parameterEnd, Math.max(parameter.start, this.#searched - parameterEnd.length));
    this.#searched = block.length;
    if (parameter.isText) this.#takeText(parameter, block, end < 0 ? undefined : end);
    if (end < 0) return false;
    const { name, head, start } = parameter;
    const value = this.#marks.valueOf({ name, head, text: block.slice(start, end) }, this.#tools, tool);
    this.#values.push([name, value]);
    this.#input(this.#hasText ? '"' : JSON.stringify(value));
    this.#at = end + parameterEnd.length;
    this.#parameter = undefined;
    return true;
  }

  /** Hands on what there is of a text. @param end - undefined while it has none */
  #takeText({ start }: OpenParameter, block: string, end: number | undefined): void {
    const upTo = end ?? block.length - pendingLength(block.slice(start), [this.#marks.parameterEnd]);
    if (!this.#hasText) {
      this.#at = upTo - withoutStart(block.slice(start, upTo), this.#marks.around).length;
      if (mayBeNull(block.slice(this.#at, upTo))) return;
    }
    const text = withoutEnd(block.slice(this.#at, upTo), this.#marks.around);
    if (text === "") return;
    this.#input(`${this.#hasText ? "" : '"'}${JSON.stringify(text).slice(1, -1)}`);
    this.#hasText = true;
    this.#at += text.length;
  }

  #input(text: string): void {
    this.#pieces.push({ type: "input", text });
  }
}

/** Several dialects read the word `null` as JSON's, of texts too. */
const mayBeNull = (text: string): boolean => "null".startsWith(text.trim().toLowerCase());

function withoutStart(text: string, around: ParameterMarks["around"]): string {
  if (around === "line") return text.replace(/^\n/, "");
  return around === "space" ? text.trimStart() : text;
}

function withoutEnd(text: string, around: ParameterMarks["around"]): string {
  if (around === "line") return text.replace(/\n$/, "");
  return around === "space" ? text.trimEnd() : text;
}
