import type { CallFollower, CallPiece } from "./call-follower.ts";
import { matchFrom } from "./find-mark.ts";
import { readJsonObject } from "./json-text.ts";

/** What stands before a call's arguments, with the groups `name` and perhaps `id`; expressions with the flag `g`. */
interface JsonHeads {
  readonly heads: readonly RegExp[];
  /** What the block has to begin with. Default: any of `heads`, wherever. */
  readonly first?: RegExp;
}

interface OpenCall {
  readonly name: string;
  readonly id: string | undefined;
  /** Where its arguments begin. */
  readonly start: number;
  readonly end: JsonEnd;
}

/** Follows calls whose arguments are an object in JSON. */
export class JsonFollower implements CallFollower {
  readonly #heads: JsonHeads;
  /** How far the block was read. */
  #at = 0;
  #call: OpenCall | undefined;

  constructor(heads: JsonHeads) {
    this.#heads = heads;
  }

  read(block: string): readonly CallPiece[] {
    const pieces: CallPiece[] = [];
    while (this.#call !== undefined || this.#open(block, pieces)) {
      if (this.#call === undefined || !this.#take(this.#call, block, pieces)) break;
    }
    return pieces;
  }

  #open(block: string, pieces: CallPiece[]): boolean {
    const { heads, first } = this.#heads;
    const found =
      this.#at === 0 && first !== undefined ? matchFrom(first, block, 0) : this.#nextOf(heads, block);
    const { name, id } = found?.groups ?? {};
    if (found === undefined || name === undefined) return false;
    this.#at = found.index + found[0].length;
    this.#call = { name, id, start: this.#at, end: new JsonEnd() };
    pieces.push({ type: "start", name, id, at: found.index });
    return true;
  }

  #nextOf(heads: readonly RegExp[], block: string): RegExpExecArray | undefined {
    const found = heads.map((head) => matchFrom(head, block, this.#at)).filter((one) => one !== undefined);
    return found.sort((a, b) => a.index - b.index)[0];
  }

  /** @returns whether the call is complete */
  #take({ name, id, start, end }: OpenCall, block: string, pieces: CallPiece[]): boolean {
    const from = this.#at;
    this.#at = end.find(block, from) ?? block.length;
    if (this.#at > from) pieces.push({ type: "input", text: block.slice(from, this.#at) });
    if (!end.isFound) return false;
    const input = readJsonObject(block.slice(start, this.#at)) ?? {};
    pieces.push({ type: "end", call: { name, arguments: input, ...(id === undefined ? {} : { id }) } });
    this.#call = undefined;
    return true;
  }
}

/** Looks for the end of an object in JSON that is still being written. */
class JsonEnd {
  isFound = false;
  #depth = 0;
  #isString = false;
  #isEscaped = false;

  /** @param from - where it was not looked yet */
  find(text: string, from: number): number | undefined {
    for (let at = from; at < text.length; at++) {
      this.#take(text.charAt(at));
      if (this.isFound) return at + 1;
    }
    return undefined;
  }

  #take(character: string): void {
    if (this.#isString) {
      if (character === '"' && !this.#isEscaped) this.#isString = false;
      this.#isEscaped = character === "\\" && !this.#isEscaped;
    } else if (character === '"') {
      this.#isString = true;
    } else if (character === "{") {
      this.#depth++;
    } else if (character === "}") {
      this.isFound = --this.#depth === 0;
    }
  }
}
