import { gemmaCall } from "./gemma-grammar.ts";
import { readJson } from "./json-text.ts";
import type { ToolDialect } from "./tool-dialect.ts";
import type { WrittenCall } from "./written-call.ts";

/** FunctionGemma: `call:f{a:1,b:<escape>text<escape>}`. */
export const functionGemma: ToolDialect = {
  start: "<start_function_call>",
  end: "<end_function_call>",
  marks: ["<escape>"],
  parse: (block) => readCalls(block, "<escape>"),
  held: [{ call: gemmaCall("<escape>") }],
};

/** Gemma 4: the same with other quotes, several calls in one block. */
export const gemma4: ToolDialect = {
  start: "<|tool_call>",
  end: "<tool_call|>",
  marks: ['<|"|>'],
  parse: (block) => readCalls(block, '<|"|>'),
  held: [{ call: gemmaCall('<|"|>'), between: "" }],
};

/** Deeper values are refused. */
const MAX_DEPTH = 64;

function readCalls(block: string, quote: string): WrittenCall[] {
  const calls: WrittenCall[] = [];
  const head = /call:([\w-]+)(?=\{)/g;
  for (let found = head.exec(block); found !== null; found = head.exec(block)) {
    const reader = new Reader(block, head.lastIndex, quote);
    const value = reader.value(0);
    const [, name] = found;
    if (reader.failed || name === undefined) return [];
    calls.push({ name, arguments: value as WrittenCall["arguments"] });
    head.lastIndex = reader.at;
  }
  return calls;
}

/** Reads objects with bare keys, lists, quoted strings and bare words. */
class Reader {
  at: number;
  failed = false;
  readonly #text: string;
  readonly #quote: string;

  constructor(text: string, at: number, quote: string) {
    this.#text = text;
    this.at = at;
    this.#quote = quote;
  }

  value(depth: number): unknown {
    const first = this.#text[this.at];
    if (depth > MAX_DEPTH) this.failed = true;
    if (this.failed) return undefined;
    if (first === "{") return Object.fromEntries(this.#items("}", () => this.#entry(depth)));
    if (first === "[") return this.#items("]", () => this.value(depth + 1));
    if (this.#text.startsWith(this.#quote, this.at)) return this.#string();
    return this.#word();
  }

  #items<T>(end: string, read: () => T): T[] {
    const items: T[] = [];
    this.at++;
    this.#skipSpace();
    while (!this.failed && this.#text[this.at] !== end) {
      if (items.length > 0 && this.#text[this.at++] !== ",") this.failed = true;
      this.#skipSpace();
      items.push(read());
      this.#skipSpace();
    }
    this.at++;
    return items;
  }

  #entry(depth: number): readonly [string, unknown] {
    const colon = this.#text.indexOf(":", this.at);
    if (colon < 0) this.failed = true;
    const key = this.#text.slice(this.at, colon).replaceAll(this.#quote, "").trim();
    this.at = colon + 1;
    this.#skipSpace();
    return [key, this.value(depth + 1)];
  }

  #string(): string {
    const start = this.at + this.#quote.length;
    const end = this.#text.indexOf(this.#quote, start);
    if (end < 0) this.failed = true;
    this.at = end + this.#quote.length;
    return this.#text.slice(start, end);
  }

  #word(): unknown {
    const rest = this.#text.slice(this.at).search(/[,}\]]/);
    if (rest < 0) this.failed = true;
    const word = this.#text.slice(this.at, this.at + rest).trim();
    this.at += rest;
    if (word === "null" || word === "None") return null; // templates write Python's
    return readJson(word) ?? word;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text.charAt(this.at))) this.at++;
  }
}
