import { MAX_JSON_DEPTH, MAX_STRING_BYTES } from "./limits.ts";
import { failWeights, quoteName, type WeightsProblem } from "./weights-problem.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const NUMBER_BYTES = 400;
const SAFE_DIGITS = 15;

/**
 * Reads JSON from bytes in one pass, as its caller asks for it: nothing is built that was not asked for, duplicate
 * keys are seen, and integers stay apart from `1.0` and `1e2`. As strict as serde_json.
 */
export class JsonScanner {
  readonly #bytes: Buffer;
  readonly #path: string;
  #at = 0;
  #depth = 0;
  /** What is being read, for messages: a name from the file, or empty. */
  context = "";

  /** @param bytes - valid UTF-8 */
  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#path = path;
  }

  /** Reads an object; `onKey` must consume the value that follows each key. */
  readObject(what: string, onKey: (key: string) => void): void {
    if (this.#peek() !== 0x7b) this.#fail("field", `${what} should be an object`);
    this.#enter();
    if (!this.#take(0x7d)) {
      do {
        if (this.#peek() !== QUOTE) this.#fail("syntax", "expected a key in quotes");
        const key = this.readString("a key");
        if (!this.#take(COLON)) this.#fail("syntax", "expected ':' after a key");
        onKey(key);
      } while (this.#take(COMMA));
      if (!this.#take(0x7d)) this.#fail("syntax", "expected ',' or '}'");
    }
    this.#depth--;
  }

  /** Reads an array; `onItem` must consume each element. */
  readArray(what: string, onItem: (index: number) => void): void {
    if (this.#peek() !== 0x5b) this.#fail("field", `${what} should be an array`);
    this.#enter();
    if (!this.#take(0x5d)) {
      let index = 0;
      do onItem(index++);
      while (this.#take(COMMA));
      if (!this.#take(0x5d)) this.#fail("syntax", "expected ',' or ']'");
    }
    this.#depth--;
  }

  /** Reads a string, unescaped; lone surrogates are refused. */
  readString(what: string): string {
    if (this.#peek() !== QUOTE) this.#fail("field", `${what} should be a string`);
    const start = this.#at;
    const escaped = this.#skipString();
    if (!escaped) return this.#bytes.toString("utf8", start + 1, this.#at - 1);
    return this.#unescape(this.#bytes.toString("utf8", start, this.#at));
  }

  /** Reads a whole number from 0 to 2^53 - 1, written without sign, fraction or exponent. */
  readUnsigned(what: string): number {
    const short = this.#shortUnsigned();
    if (short !== undefined) return short;
    const text = this.#numberText(what);
    if (!/^[0-9]+$/.test(text))
      this.#fail("field", `${what} should be a whole number, not ${text.slice(0, 30)}`);
    const value = Number(text);
    if (!Number.isSafeInteger(value)) this.#fail("limit", `${what} is ${text.slice(0, 30)}, over 2^53 - 1`);
    return value;
  }

  /** Consumes `null` when it comes next. */
  takeNull(): boolean {
    if (this.#peek() !== 0x6e) return false;
    this.#literal("null");
    return true;
  }

  /** Reads over any one value, checking its grammar. */
  skipValue(): void {
    const first = this.#peek();
    if (first === QUOTE) this.readString("a value");
    else if (first === 0x7b) this.readObject("a value", () => this.skipValue());
    else if (first === 0x5b) this.readArray("a value", () => this.skipValue());
    else if (first === 0x74) this.#literal("true");
    else if (first === 0x66) this.#literal("false");
    else if (first === 0x6e) this.#literal("null");
    else if (!Number.isFinite(Number(this.#numberText("a value"))))
      this.#fail("limit", "a number is out of range");
  }

  /** Nothing but white space may follow. */
  expectEnd(): void {
    if (this.#peek() !== -1) this.#fail("syntax", "there is text after the JSON object");
  }

  #enter(): void {
    this.#at++;
    if (++this.#depth > MAX_JSON_DEPTH) this.#fail("limit", `JSON is nested deeper than ${MAX_JSON_DEPTH}`);
  }

  /** The next byte that is no white space, or -1 at the end. */
  #peek(): number {
    for (; this.#at < this.#bytes.length; this.#at++) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte ?? -1;
    }
    return -1;
  }

  #take(byte: number): boolean {
    if (this.#peek() !== byte) return false;
    this.#at++;
    return true;
  }

  #literal(text: string): void {
    if (this.#bytes.toString("latin1", this.#at, this.#at + text.length) !== text) {
      this.#fail("syntax", "expected a JSON value");
    }
    this.#at += text.length;
  }

  /** Digits without a leading zero, few enough to be exact, and nothing more: nearly every number there is. */
  #shortUnsigned(): number | undefined {
    this.#peek();
    let at = this.#at;
    let value = 0;
    for (let byte = this.#bytes[at] ?? 0; byte >= 0x30 && byte <= 0x39; byte = this.#bytes[at] ?? 0) {
      value = value * 10 + byte - 0x30;
      at++;
    }
    const digits = at - this.#at;
    const hasLeadingZero = digits > 1 && this.#bytes[this.#at] === 0x30;
    const next = this.#bytes[at];
    if (digits === 0 || digits > SAFE_DIGITS || hasLeadingZero) return undefined;
    if (next !== COMMA && next !== 0x5d && next !== 0x7d) return undefined;
    this.#at = at;
    return value;
  }

  #numberText(what: string): string {
    const first = this.#peek();
    if (first !== MINUS && !(first >= 0x30 && first <= 0x39))
      this.#fail("field", `${what} should be a number`);
    const window = this.#bytes.toString("latin1", this.#at, this.#at + NUMBER_BYTES);
    NUMBER.lastIndex = 0;
    const text = NUMBER.exec(window)?.[0];
    if (text === undefined || /^[0-9.eE+-]/.test(window.slice(text.length))) {
      return this.#fail("syntax", "a number is malformed");
    }
    if (text.length === NUMBER_BYTES) this.#fail("limit", `a number is longer than ${NUMBER_BYTES} digits`);
    this.#at += text.length;
    return text;
  }

  /** Moves over a string in quotes; true when it has escapes. */
  #skipString(): boolean {
    const start = this.#at++;
    let escaped = false;
    for (; ; this.#at++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) this.#fail("syntax", "a string does not end");
      if (byte === QUOTE) break;
      if (byte < 0x20) this.#fail("syntax", "a string contains a control character");
      if (byte === BACKSLASH) {
        escaped = true;
        this.#at++;
      }
    }
    this.#at++;
    if (this.#at - start > MAX_STRING_BYTES)
      this.#fail("limit", `a string is over ${MAX_STRING_BYTES} bytes`);
    return escaped;
  }

  #unescape(quoted: string): string {
    let text: unknown;
    try {
      text = JSON.parse(quoted);
    } catch {
      return this.#fail("syntax", "a string has an unknown escape");
    }
    if (typeof text !== "string" || /\p{Surrogate}/u.test(text)) {
      return this.#fail("encoding", "a string has half a surrogate pair");
    }
    return text;
  }

  #fail(problem: WeightsProblem, message: string): never {
    const where = this.context === "" ? "" : ` in ${quoteName(this.context)}`;
    failWeights(this.#path, problem, `the JSON is wrong at byte ${this.#at}${where}: ${message}`);
  }
}
