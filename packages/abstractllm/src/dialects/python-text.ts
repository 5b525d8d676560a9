import type { WrittenCall } from "./written-call.ts";

/** Deeper values are refused. */
const MAX_DEPTH = 64;

/** Chat templates render nested values as JSON, so its words stand beside Python's. */
const WORDS: Readonly<Record<string, unknown>> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "\n": "" };

/** The value of a Python literal; undefined when the text is none. */
export function readPython(text: string): unknown {
  return attempt(text, (reader) => reader.value(0));
}

/** The calls in a Python list of calls with named arguments, `[f(a=1), g.h(b="x")]`; none when the text is none. */
export function readPythonCalls(text: string): WrittenCall[] {
  return attempt(text, (reader) => reader.calls()) ?? [];
}

function attempt<T>(text: string, read: (reader: PythonReader) => T): T | undefined {
  const reader = new PythonReader(text.trim());
  try {
    const value = read(reader);
    return reader.isAtEnd ? value : undefined;
  } catch (error) {
    if (error instanceof NotPython) return undefined;
    throw error;
  }
}

class NotPython extends Error {}

class PythonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new NotPython();
    if (this.#take(/\[/y)) return this.#items(/\]/y, () => this.value(depth + 1));
    if (this.#take(/\(/y)) return this.#items(/\)/y, () => this.value(depth + 1));
    if (this.#take(/\{/y)) {
      return Object.fromEntries(
        this.#items(/\}/y, () => {
          const key = this.value(depth + 1);
          this.#need(/:/y);
          return [String(key), this.value(depth + 1)] as const;
        }),
      );
    }
    return this.#string() ?? this.#numberOrWord();
  }

  calls(): WrittenCall[] {
    this.#need(/\[/y);
    return this.#items(/\]/y, () => {
      const name = this.#need(/[A-Za-z_][\w.]*/y);
      this.#need(/\(/y);
      const input = this.#items(/\)/y, () => {
        const key = this.#need(/[A-Za-z_]\w*/y);
        this.#need(/=/y);
        return [key, this.value(0)] as const;
      });
      return { name, arguments: Object.fromEntries(input) };
    });
  }

  #items<T>(end: RegExp, read: () => T): T[] {
    const items: T[] = [];
    while (this.#take(end) === undefined) {
      if (items.length > 0) {
        this.#need(/,/y);
        if (this.#take(end) !== undefined) break; // a comma after the last item
      }
      items.push(read());
    }
    return items;
  }

  #string(): string | undefined {
    const literal = this.#take(/'''.*?'''|""".*?"""|'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy);
    if (literal === undefined) return undefined;
    const quotes = /^('''|""")/.test(literal) ? 3 : 1;
    return literal
      .slice(quotes, -quotes)
      .replace(/\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|(.))/gs, (whole, long, short, simple) => {
        const code = long ?? short;
        if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
        return ESCAPES[simple] ?? (/['"\\/]/.test(simple) ? simple : whole);
      });
  }

  #numberOrWord(): unknown {
    const number = this.#take(/[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y);
    if (number !== undefined) return Number(number.replaceAll("_", ""));
    const word = this.#need(/[A-Za-z]+/y);
    if (!Object.hasOwn(WORDS, word)) throw new NotPython();
    return WORDS[word];
  }

  #need(pattern: RegExp): string {
    const found = this.#take(pattern);
    if (found === undefined) throw new NotPython();
    return found;
  }

  /** Takes what matches here, with the white space around it. */
  #take(pattern: RegExp): string | undefined {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    this.#skipSpace();
    return found;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }
}
