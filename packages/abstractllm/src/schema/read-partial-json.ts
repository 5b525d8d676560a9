/** Deeper values are left out. */
const MAX_DEPTH = 64;

/**
 * The value that a JSON text has so far: strings up to where they break off, objects and arrays with what is
 * complete in them. Numbers and words that could still go on are left out. Text before the first bracket is passed over.
 *
 * @returns undefined while there is nothing yet
 */
export function readPartialJson(text: string): unknown {
  const start = text.search(/[{[]/);
  return start < 0 ? undefined : new Reader(text, start).value(0);
}

class Reader {
  readonly #text: string;
  #at: number;
  /** The text ended, or is no JSON from here on. */
  #over = false;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  /** The value that begins here; undefined when there is none yet. */
  value(depth: number): unknown {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (depth > MAX_DEPTH) return this.#stop();
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    return this.#word();
  }

  #object(depth: number): unknown {
    const entries: [string, unknown][] = [];
    this.#at++;
    while (!this.#over && !this.#take("}")) {
      if (entries.length > 0 && !this.#take(",")) this.#stop();
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') this.#stop();
      const key = this.#over ? "" : this.#string();
      if (this.#over || !this.#take(":")) this.#stop();
      const value = this.#over ? undefined : this.value(depth + 1);
      if (value !== undefined) entries.push([String(key), value]);
    }
    return Object.fromEntries(entries);
  }

  #array(depth: number): unknown {
    const items: unknown[] = [];
    this.#at++;
    while (!this.#over && !this.#take("]")) {
      if (items.length > 0 && !this.#take(",")) this.#stop();
      const item = this.#over ? undefined : this.value(depth + 1);
      if (item !== undefined) items.push(item);
    }
    return items;
  }

  #string(): unknown {
    const start = this.#at + 1;
    let end = start;
    while (end < this.#text.length && this.#text[end] !== '"') {
      const length = this.#lengthAt(end);
      if (end + length > this.#text.length) break; // an escape that breaks off
      end += length;
    }
    this.#over = this.#text[end] !== '"';
    this.#at = end + 1;
    return parse(`"${this.#text.slice(start, end)}"`) ?? this.#stop();
  }

  /** Length of the character or escape within a string. */
  #lengthAt(at: number): number {
    if (this.#text[at] !== "\\") return 1;
    return this.#text[at + 1] === "u" ? 6 : 2;
  }

  #word(): unknown {
    const word = /^[-+.\w]*/.exec(this.#text.slice(this.#at, this.#at + 40))?.[0] ?? "";
    this.#at += word.length;
    if (this.#at >= this.#text.length) return this.#stop(); // it could go on
    return parse(word) ?? (word === "null" ? null : this.#stop());
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && " \n\r\t".includes(this.#text.charAt(this.#at))) this.#at++;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#at >= this.#text.length) this.#over = true;
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #stop(): undefined {
    this.#over = true;
    return undefined;
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) ?? undefined;
  } catch {
    return undefined;
  }
}
