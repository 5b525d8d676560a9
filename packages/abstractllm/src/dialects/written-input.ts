/** What may stand behind a call's arguments. */
const CLOSING = "} \n\r\t";

/**
 * The arguments of a call that is still being written, in a block of which the call is all and which its own bracket ends.
 * They are told apart from what follows them by that alone, so brackets wait until more of them comes.
 */
export class WrittenInput {
  readonly name: string;
  /** Where in the block what was not taken yet begins. */
  #at: number;

  private constructor(name: string, at: number) {
    this.name = name;
    this.#at = at;
  }

  /**
   * @param block - so far
   * @param opening - what a call begins with up to its arguments; its group `name` is the tool's
   * @returns undefined while the arguments have not begun
   */
  static open(block: string, opening: RegExp): WrittenInput | undefined {
    const found = opening.exec(block);
    const name = found?.groups?.name;
    return found === null || name === undefined ? undefined : new WrittenInput(name, found[0].length);
  }

  /** What there is more of them. @param block - so far, without what may be its end */
  take(block: string): string {
    let end = block.length;
    while (end > this.#at && CLOSING.includes(block.charAt(end - 1))) end--;
    return this.#takeUpTo(block, end);
  }

  /** The last of them. @param block - the whole of it */
  finish(block: string): string {
    return this.#takeUpTo(block, block.lastIndexOf("}"));
  }

  #takeUpTo(block: string, end: number): string {
    const text = block.slice(this.#at, end);
    this.#at = Math.max(this.#at, end);
    return text;
  }
}
