import type { DeltaPart } from "../interface/stream-part.ts";
import type { TokenLogprob } from "../interface/token-logprob.ts";
import type { ToolSpec } from "../interface/tool.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import { AnswerParts } from "./answer-parts.ts";
import { findMark, pendingLength } from "./find-mark.ts";
import { readJsonObject } from "./json-text.ts";

interface HarmonyOptions {
  readonly areCallsHeld?: boolean | undefined;
  readonly tools: readonly ToolSpec[];
  readonly usedIds: ReadonlySet<string>;
  readonly emit: (part: DeltaPart) => void;
}

const MESSAGE = "<|message|>";
const BOUNDARIES = ["<|end|>", "<|call|>", "<|return|>", "<|start|>", "<|channel|>"];

/**
 * Reads gpt-oss answers: messages on channels, `<|channel|>analysis<|message|>…<|end|>`, where a commentary `to=` a
 * function is a call of it.
 *
 * @see https://cookbook.openai.com/articles/openai-harmony
 */
export class HarmonyReader {
  static readonly MARKS: readonly string[] = [MESSAGE, "<|constrain|>", ...BOUNDARIES];

  readonly #parts: AnswerParts;
  readonly #tools: readonly ToolSpec[];
  readonly #areCallsHeld: boolean;
  #buffer = "";
  /** The header of the message being read; undefined within a header. The prompt opens the first message. */
  #header: string | undefined = undefined;
  /** The tool whose arguments are being read. */
  #recipient: string | undefined;
  /** The call whose arguments are sent while they are written, and how much of them was sent. */
  #written: { readonly id: string; length: number } | undefined;

  constructor({ tools, usedIds, emit, areCallsHeld = false }: HarmonyOptions) {
    this.#tools = tools;
    this.#areCallsHeld = areCallsHeld;
    this.#parts = new AnswerParts({ emit, usedIds, holdSpace: true });
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
    while (this.#header === undefined ? this.#readHeader() : this.#readContent()) {
      // until what is left needs more text
    }
  }

  end(isCutOff: boolean): void {
    const rest = this.#buffer;
    this.#buffer = "";
    if (this.#header === undefined) {
      if (!rest.includes("<|")) this.#parts.addText(rest);
    } else if (this.#recipient === undefined) {
      this.#add(rest);
    } else {
      this.#addCall(rest, isCutOff);
    }
    this.#parts.end();
  }

  #readHeader(): boolean {
    const isPlain = !mayBeHeader(this.#buffer.trimStart());
    const found = findMark(this.#buffer, [MESSAGE]);
    if (found === undefined && !isPlain) return false;
    this.#header = isPlain ? "" : this.#buffer.slice(0, found?.start);
    if (!isPlain) {
      this.#parts.passOver(found?.end ?? 0);
      this.#buffer = this.#buffer.slice(found?.end);
    }
    const recipient = /\bto=(?:functions\.)?([\w.-]+)/.exec(this.#header)?.[1];
    this.#recipient = this.#tools.length === 0 ? undefined : recipient;
    const isKnown = this.#tools.some(({ name }) => name === recipient);
    if (recipient !== undefined && isKnown && this.#areCallsHeld && HELD_HEADER.test(this.#header))
      this.#written = { id: this.#parts.startCall(recipient), length: 0 };
    return true;
  }

  #readContent(): boolean {
    const found = findMark(this.#buffer, BOUNDARIES);
    if (found === undefined) {
      const safe = this.#buffer.length - pendingLength(this.#buffer, BOUNDARIES);
      if (this.#recipient !== undefined) {
        this.#sendInput(this.#buffer.slice(0, safe));
        return false; // arguments count as a whole
      }
      this.#add(this.#buffer.slice(0, safe));
      this.#buffer = this.#buffer.slice(safe);
      return false;
    }
    const content = this.#buffer.slice(0, found.start);
    if (this.#recipient === undefined) this.#add(content);
    else this.#addCall(content, false);
    if (channelOf(this.#header ?? "") === "analysis") this.#parts.endReasoning();
    this.#header = undefined;
    this.#recipient = undefined;
    // a message that begins without its start token keeps its channel
    const end = found.mark === "<|channel|>" ? found.start : found.end;
    this.#parts.passOver(end - found.start);
    this.#buffer = this.#buffer.slice(end);
    return true;
  }

  #add(content: string): void {
    if (content === "") return;
    if (channelOf(this.#header ?? "") === "analysis") this.#parts.addReasoning(content);
    else this.#parts.addText(content);
  }

  #sendInput(content: string): void {
    if (this.#written === undefined) return;
    this.#parts.addInput(this.#written.id, content.slice(this.#written.length));
    this.#written.length = content.length;
  }

  #addCall(content: string, isCutOff: boolean): void {
    const input = isCutOff ? undefined : readJsonObject(content.trim() === "" ? "{}" : content);
    const written = this.#written;
    this.#written = undefined;
    if (input === undefined || this.#recipient === undefined) {
      this.#parts.addText(content);
      return;
    }
    const call = { name: this.#recipient, arguments: input };
    this.#parts.passOver(content.length);
    if (written === undefined) {
      this.#parts.addCall(call);
    } else {
      this.#parts.addInput(written.id, content.slice(written.length));
      this.#parts.endCall(written.id, call);
    }
  }
}

/** Headers behind which `harmonyParts` holds a call. */
const HELD_HEADER =
  /(?:^|<\|start\|>)assistant to=functions\.|<\|channel\|>(?:commentary|analysis) to=functions\./;

/** The prompt ends with the role, so a recipient may come first. */
const HEADER_BEGINNINGS = ["<|", "assistant", "to="];

const mayBeHeader = (text: string): boolean =>
  HEADER_BEGINNINGS.some((beginning) => text.startsWith(beginning) || beginning.startsWith(text));

const channelOf = (header: string): string | undefined => /<\|channel\|>\s*(\w+)/.exec(header)?.[1];
