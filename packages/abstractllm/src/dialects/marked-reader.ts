import type { DeltaPart } from "../interface/stream-part.ts";
import type { TokenLogprob } from "../interface/token-logprob.ts";
import type { ToolSpec } from "../interface/tool.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import { AnswerParts } from "./answer-parts.ts";
import { findMark, pendingLength } from "./find-mark.ts";
import type { ReasoningMarks, ToolDialect } from "./tool-dialect.ts";
import { WrittenInput } from "./written-input.ts";

interface MarkedOptions {
  readonly dialect: ToolDialect | undefined;
  readonly reasoning?: ReasoningMarks | undefined;
  readonly startsInReasoning?: boolean | undefined;
  readonly areCallsHeld?: boolean | undefined;
  readonly tools: readonly ToolSpec[];
  readonly usedIds: ReadonlySet<string>;
  readonly emit: (part: DeltaPart) => void;
}

/** An answer whose beginning is no calls is known as such after this many characters. */
const BARE_BEGINNING = 40;

/** Reads answers whose reasoning and calls stand between marks. */
export class MarkedReader {
  readonly #parts: AnswerParts;
  readonly #options: MarkedOptions;
  /** The dialect, where there are tools to call. */
  readonly #calls: ToolDialect | undefined;
  #mode: "text" | "reasoning" | "call";
  /** Not read yet: what could begin a mark, or the block of calls so far. */
  #buffer = "";
  /** How far the buffer was searched for the end of its block. */
  #searched = 0;
  /** The call that goes out while it is written. */
  #written: { readonly id: string; readonly input: WrittenInput } | undefined;
  /** The answer may still be calls as a whole. */
  #mayBeBare: boolean;

  constructor(options: MarkedOptions) {
    const { dialect, tools, usedIds, emit, startsInReasoning = false } = options;
    this.#options = options;
    this.#calls = tools.length === 0 ? undefined : dialect;
    this.#parts = new AnswerParts({ emit, usedIds, holdSpace: this.#calls !== undefined });
    this.#mode = startsInReasoning ? "reasoning" : "text";
    this.#mayBeBare = this.#calls?.bare !== undefined;
  }

  get text(): string {
    return this.#parts.text;
  }

  get reasoning(): string {
    return this.#parts.reasoning;
  }

  get logprobs(): readonly TokenLogprob[] {
    return this.#parts.logprobs;
  }

  get toolCalls(): readonly ToolCall[] {
    return this.#parts.toolCalls;
  }

  push(text: string, logprobs?: readonly TokenLogprob[]): void {
    this.#parts.write(text, logprobs);
    this.#buffer += text;
    this.#read();
  }

  end(isCutOff: boolean): void {
    const mayBeBare = this.#mode === "text" && this.#mayBeBare && !isCutOff;
    if (mayBeBare && this.#addBareCalls()) this.#buffer = "";
    this.#mayBeBare = false;
    this.#read();
    const rest = this.#buffer;
    this.#buffer = "";
    if (this.#mode === "reasoning") this.#parts.addReasoning(rest);
    else if (this.#mode === "text") this.#parts.addText(rest);
    else if (isCutOff || !this.#addCalls(rest)) this.#parts.addText((this.#calls?.start ?? "") + rest);
    this.#parts.end();
  }

  #read(): void {
    for (let goesOn = true; goesOn; ) {
      if (this.#mode === "text") goesOn = this.#readText();
      else if (this.#mode === "reasoning") goesOn = this.#readReasoning();
      else goesOn = this.#readCalls();
    }
  }

  /** @returns whether there is more to read */
  #readText(): boolean {
    if (this.#waitsAsBare()) return false;
    const { reasoning, dialect } = this.#options;
    const start = this.#calls?.start;
    const marks = [reasoning?.start, start, ...(dialect?.ignored ?? [])].filter((mark) => mark !== undefined);
    const mark = this.#takeUpTo(marks, (text) => this.#parts.addText(text));
    if (mark === undefined) return false;
    if (mark === start) this.#mode = "call";
    else if (mark === reasoning?.start) this.#mode = "reasoning";
    this.#searched = 0;
    return true;
  }

  #readReasoning(): boolean {
    const end = this.#options.reasoning?.end;
    const marks = end === undefined ? [] : [end];
    if (this.#takeUpTo(marks, (text) => this.#parts.addReasoning(text)) === undefined) return false;
    this.#parts.endReasoning();
    this.#mode = "text";
    this.#mayBeBare = this.#calls?.bare !== undefined && this.#parts.text === "";
    return true;
  }

  #readCalls(): boolean {
    const { start = "", end, isOpen } = this.#calls ?? {};
    if (end === undefined) return false;
    const found = findMark(this.#buffer, [end], Math.max(0, this.#searched - end.length));
    if (found === undefined) {
      this.#searched = this.#buffer.length;
      this.#writeInput(end);
      return false;
    }
    const block = this.#buffer.slice(0, found.start);
    if (isOpen?.(block) === true) {
      this.#searched = found.end + end.length;
      return this.#buffer.length > found.end;
    }
    this.#buffer = this.#buffer.slice(found.end);
    this.#mode = "text";
    if (this.#addCalls(block)) this.#parts.passOver(start.length + found.end);
    else this.#parts.addText(start + block + end);
    return true;
  }

  /** Hands over what comes before the first mark, and takes it; without one all that can be none. */
  #takeUpTo(marks: readonly string[], take: (text: string) => void): string | undefined {
    const found = findMark(this.#buffer, marks);
    const upTo = found?.start ?? this.#buffer.length - pendingLength(this.#buffer, marks);
    if (upTo > 0) take(this.#buffer.slice(0, upTo));
    this.#buffer = this.#buffer.slice(found?.end ?? upTo);
    // that of a call is text again where none follows
    if (found !== undefined && found.mark !== this.#calls?.start) this.#parts.passOver(found.mark.length);
    return found?.mark;
  }

  #waitsAsBare(): boolean {
    const bare = this.#calls?.bare;
    if (!this.#mayBeBare || bare === undefined) return false;
    const text = this.#buffer.trimStart();
    const isDecided = text.length >= BARE_BEGINNING || (text !== "" && !"[{`".includes(text.charAt(0)));
    this.#mayBeBare = !isDecided || bare.test(text);
    return this.#mayBeBare;
  }

  /** JSON that is an answer may look like a call; one of a known tool is meant as one. */
  #addBareCalls(): boolean {
    const { tools } = this.#options;
    const calls = this.#calls?.parse(this.#buffer, tools) ?? [];
    const areKnown = calls.every((call) => tools.some(({ name }) => name === call.name));
    return areKnown && this.#addCalls(this.#buffer);
  }

  /** Hands on what there is of a call's arguments. @param end - of its block, which may have begun */
  #writeInput(end: string): void {
    const opening = this.#calls?.opening;
    if (this.#options.areCallsHeld !== true || opening === undefined) return;
    if (this.#written === undefined) {
      const input = WrittenInput.open(this.#buffer, opening);
      if (input === undefined) return;
      this.#written = { id: this.#parts.startCall(input.name), input };
    }
    const { id, input } = this.#written;
    const known = this.#buffer.slice(0, this.#buffer.length - pendingLength(this.#buffer, [end]));
    this.#parts.addInput(id, input.take(known));
  }

  #addCalls(block: string): boolean {
    const [first, ...more] = this.#calls?.parse(block, this.#options.tools) ?? [];
    const written = this.#written;
    this.#written = undefined;
    if (first === undefined) return false;
    if (written === undefined) this.#parts.addCall(first);
    else {
      this.#parts.addInput(written.id, written.input.finish(block));
      this.#parts.endCall(written.id, first);
    }
    for (const call of more) this.#parts.addCall(call);
    return true;
  }
}
