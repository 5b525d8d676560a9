/**
 * Lets the JSON object or array through that a text begins with, as it is written, and nothing behind it. A text that
 * begins otherwise, as with a code fence, is kept back: what value it holds shows at its end.
 */
export class JsonText {
  #place: "before" | "inside" | "behind" = "before";
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** What of some more text goes through. */
  push(text: string): string {
    if (this.#place === "behind") return "";
    const more = this.#place === "before" ? text.trimStart() : text;
    if (more === "") return "";
    if (this.#place === "before" && !/^[[{]/.test(more)) {
      this.#place = "behind";
      return "";
    }
    this.#place = "inside";
    const end = this.#endIn(more);
    if (end === undefined) return more;
    this.#place = "behind";
    return more.slice(0, end);
  }

  /** Where the value ends in some more text of it, if it does. */
  #endIn(text: string): number | undefined {
    for (let at = 0; at < text.length; at++) {
      this.#read(text.charAt(at));
      if (this.#depth === 0) return at + 1;
    }
    return undefined;
  }

  #read(character: string): void {
    if (this.#isInString) {
      if (character === '"' && !this.#isEscaped) this.#isInString = false;
      this.#isEscaped = character === "\\" && !this.#isEscaped;
    } else if (character === '"') this.#isInString = true;
    else if (character === "{" || character === "[") this.#depth++;
    else if (character === "}" || character === "]") this.#depth--;
  }
}
