import type { HeldPart } from "../engine/constraint.ts";

/** More bytes of a mark are never spelled by one token together with what follows it. */
const LONGEST_STEP = 32;

/** A part that the next token may open, or the last one has. */
export interface Beginning {
  readonly part: HeldPart;
  /** What the next token has to spell to open it, or the last one has spelled before going on; empty when it did not. */
  readonly rest: string;
}

/** A mark that has come, and where in what came last. */
interface Found {
  readonly part: HeldPart;
  /** How much of what came last is part of it or stands before it. */
  readonly end: number;
}

/** A part with its `start` in bytes, a character each, as the texts below have them. */
interface Mark {
  readonly part: HeldPart;
  readonly start: string;
}

/** The bytes of a text as characters, so that it can be searched although a character may be cut in two. */
export const asBytes = (bytes: Uint8Array | string): string =>
  Buffer.from(bytes as string).toString("latin1");

const asText = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");

/** Finds the parts that a text opens while it grows. */
export class PartWatch {
  readonly #anywhere: readonly Mark[];
  readonly #first: readonly Mark[];
  /** As much of the text as a mark can have begun in. */
  #tail: string;
  /** The whole of the text while one may begin it. */
  #head: string | undefined;
  readonly #length: number;

  /** @param before - bytes that the text goes on from */
  constructor(parts: readonly HeldPart[], before: string) {
    const marks = parts.map((part) => ({ part, start: asBytes(part.start) }));
    this.#anywhere = marks.filter(({ part }) => part.isFirst !== true);
    this.#first = marks.filter(({ part }) => part.isFirst === true);
    this.#length = Math.max(1, ...this.#anywhere.map(({ start }) => start.length));
    this.#tail = before.slice(-this.#length);
    this.#head = this.#first.length === 0 ? undefined : "";
  }

  /** Takes more of the text; gives back a part that it opens, which what comes behind belongs to. */
  push(bytes: string): Beginning | undefined {
    const found = this.#inTail(bytes) ?? this.#inHead(bytes);
    if (found === undefined) return undefined;
    const isWhole = found.end === bytes.length;
    return { part: found.part, rest: isWhole ? "" : asText(bytes.slice(0, found.end)) };
  }

  /**
   * Forgets the text, behind a part or reasoning.
   *
   * @param isFirst - whether what comes begins the text if nothing has yet
   */
  restart(isFirst: boolean): void {
    this.#tail = "";
    if (!isFirst || this.#head !== "") this.#head = undefined;
  }

  #inTail(bytes: string): Found | undefined {
    const before = this.#tail.length;
    const text = this.#tail + bytes;
    this.#tail = text.slice(-this.#length);
    let first: Found | undefined;
    for (const { part, start } of this.#anywhere) {
      const at = text.indexOf(start, Math.max(0, before - start.length + 1));
      const end = at + start.length - before;
      if (at >= 0 && (first === undefined || end < first.end)) first = { part, end };
    }
    return first;
  }

  #inHead(bytes: string): Found | undefined {
    if (this.#head === undefined) return undefined;
    const text = (this.#head + bytes).trimStart();
    this.#head = this.#first.some(({ start }) => start.startsWith(text)) ? text : undefined;
    const mark = this.#first.find(({ start }) => text.startsWith(start));
    return mark && { part: mark.part, end: bytes.length - (text.length - mark.start.length) };
  }

  /** The parts that the next token may open. */
  get beginnings(): Beginning[] {
    const head = this.#head ?? "";
    const inHead = head === "" ? [] : this.#first.filter(({ start }) => start.startsWith(head));
    return [
      ...this.#anywhere.flatMap((mark) => beginningsOf(mark, this.#tail)),
      ...inHead.flatMap((mark) => beginning(mark, head.length)),
    ];
  }
}

/** The ways in which a text ends with the beginning of a mark, or with nothing of it. */
const beginningsOf = (mark: Mark, text: string): Beginning[] => {
  const found = beginning(mark, 0);
  const first = mark.start.charAt(0);
  let at = text.indexOf(first, Math.max(0, text.length - mark.start.length + 1));
  for (; at >= 0; at = text.indexOf(first, at + 1)) {
    if (mark.start.startsWith(text.slice(at))) found.push(...beginning(mark, text.length - at));
  }
  return found;
};

/** What is missing of a mark of which some has come; none where one token cannot end it. */
const beginning = ({ part, start }: Mark, length: number): Beginning[] => {
  const rest = start.slice(length);
  const isWithinCharacter = (rest.charCodeAt(0) & 0xc0) === 0x80;
  return rest.length > LONGEST_STEP || isWithinCharacter ? [] : [{ part, rest: asText(rest) }];
};
