import type { DeltaPart } from "../interface/stream-part.ts";
import type { TokenLogprob } from "../interface/token-logprob.ts";
import type { ToolSpec } from "../interface/tool.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import { AnswerParts } from "./answer-parts.ts";
import { findMark, pendingLength } from "./find-mark.ts";
import { FollowedCalls } from "./followed-calls.ts";
import type { ReasoningMarks, ToolDialect } from "./tool-dialect.ts";

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
  /** The calls of the block that go out while they are written. */
  #followed: FollowedCalls | undefined;
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
    const mayBeBare = this.#mode === "text" && this.#mayBeBare;
    if (mayBeBare && (this.#endFollowed(this.#buffer) || (!isCutOff && this.#addBareCalls())))
      this.#buffer = "";
    this.#mayBeBare = false;
    this.#read();
    const rest = this.#buffer;
    this.#buffer = "";
    if (this.#mode === "reasoning") this.#parts.addReasoning(rest);
    else if (this.#mode === "text") this.#parts.addText(rest);
    else this.#endBlock(rest, isCutOff);
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
    const found = end === undefined ? undefined : this.#findEnd(end);
    if (found === undefined) {
      this.#searched = this.#buffer.length;
      this.#follow(this.#calls?.follow, this.#buffer);
      return false;
    }
    const block = this.#buffer.slice(0, found.start);
    if (isOpen?.(block) === true) {
      this.#searched = found.end + found.mark.length;
      return this.#buffer.length > found.end;
    }
    this.#buffer = this.#buffer.slice(found.end);
    this.#mode = "text";
    this.#follow(this.#calls?.follow, block, true);
    if (this.#endFollowed(block, start)) this.#parts.passOver(found.mark.length);
    else if (this.#addCalls(block)) this.#parts.passOver(start.length + found.end);
    else this.#parts.addText(start + block + found.mark);
    return true;
  }

  #findEnd(end: string): ReturnType<typeof findMark> {
    return findMark(this.#buffer, [end], Math.max(0, this.#searched - end.length));
  }

  /** A block that the answer ends in. */
  #endBlock(block: string, isCutOff: boolean): void {
    const start = this.#calls?.start ?? "";
    this.#follow(this.#calls?.follow, block, !isCutOff);
    if (this.#endFollowed(block, start) || (!isCutOff && this.#addCalls(block))) return;
    this.#parts.addText(start + block);
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
    if (this.#mayBeBare) this.#follow(this.#calls?.followBare, this.#buffer);
    return this.#mayBeBare;
  }

  /** JSON that is an answer may look like a call; one of a known tool is meant as one. */
  #addBareCalls(): boolean {
    const { tools } = this.#options;
    const calls = this.#calls?.parse(this.#buffer, tools) ?? [];
    const areKnown = calls.every((call) => tools.some(({ name }) => name === call.name));
    return areKnown && this.#addCalls(this.#buffer);
  }

  /** Hands on what there is of the calls in a block. */
  #follow(follow: ToolDialect["follow"], block: string, isWhole = false): void {
    if (this.#options.areCallsHeld !== true || follow === undefined) return;
    this.#followed ??= new FollowedCalls(follow(this.#options.tools), this.#parts);
    this.#followed.read(block, isWhole);
  }

  /**
   * @param start - the mark that the block stands behind
   * @returns whether calls of the block were sent; what followed them without coming to its end is text
   */
  #endFollowed(block: string, start = ""): boolean {
    const followed = this.#followed;
    this.#followed = undefined;
    if (followed === undefined || followed.count === 0) return false;
    const open = followed.openText(block);
    this.#parts.passOver(start.length + block.length - open.length);
    this.#parts.addText(open);
    return true;
  }

  #addCalls(block: string): boolean {
    const calls = this.#calls?.parse(block, this.#options.tools) ?? [];
    for (const call of calls) this.#parts.addCall(call);
    return calls.length > 0;
  }
}
