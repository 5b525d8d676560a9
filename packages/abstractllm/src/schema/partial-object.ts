import { readPartialJson } from "./read-partial-json.ts";

/** Reading a text costs its length, so a long one is read again only when it has grown by this part of it. */
const GROWTH = 1 / 64;

/** The value that an answer has so far, as its text comes in. */
export class PartialObject {
  #text = "";
  #readLength = 0;
  #shown: string | undefined;

  /** Takes more text; gives the value when there is more of it than before. */
  push(text: string): unknown {
    this.#text += text;
    const { length } = this.#text;
    if (length < this.#readLength * (1 + GROWTH)) return undefined;
    this.#readLength = length;
    const value = readPartialJson(this.#text);
    const shown = JSON.stringify(value);
    if (shown === this.#shown) return undefined;
    this.#shown = shown;
    return value;
  }
}
