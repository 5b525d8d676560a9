import type { Budget } from "./budget.ts";
import { PY_SPACE } from "./python-text.ts";
import { runtimeError } from "./template-failure.ts";

const WORDS = new RegExp(`[^${PY_SPACE}]+`, "gu");

/** `str.split`; without a separator, at runs of white space. `limit` below 0 is none. */
export function splitText(text: string, separator: string | undefined, limit: number): string[] {
  if (separator === undefined) return splitWords(text, limit);
  if (separator === "") throw runtimeError("empty separator");
  const parts = text.split(separator);
  if (limit < 0 || parts.length <= limit + 1) return parts;
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

function splitWords(text: string, limit: number): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(WORDS)) {
    if (limit >= 0 && words.length >= limit) {
      words.push(text.slice(match.index));
      break;
    }
    words.push(match[0]);
  }
  return words;
}

/** `str.rsplit`. */
export function splitTextRight(text: string, separator: string | undefined, limit: number): string[] {
  if (limit < 0) return splitText(text, separator, limit);
  if (separator === undefined) {
    const words = [...text.matchAll(WORDS)];
    const cut = words.length - limit;
    if (cut <= 0) return words.map((word) => word[0]);
    const last = words[cut - 1];
    const head = text.slice(0, (last?.index ?? 0) + (last?.[0].length ?? 0));
    return [head, ...words.slice(cut).map((word) => word[0])];
  }
  if (separator === "") throw runtimeError("empty separator");
  const parts = text.split(separator);
  const cut = parts.length - limit;
  return cut <= 1 ? parts : [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
}

const INFORMATION_SEPARATORS = "\\x1c-\\x1e";
const LINE_END = new RegExp(`\\r\\n|[\\n\\r\\v\\f${INFORMATION_SEPARATORS}\\x85\\u2028\\u2029]`, "g");

/** `str.splitlines`. */
export function splitLines(text: string, keepEnds: boolean): string[] {
  const lines: string[] = [];
  let from = 0;
  for (const match of text.matchAll(LINE_END)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(from, keepEnds ? end : match.index));
    from = end;
  }
  if (from < text.length) lines.push(text.slice(from));
  return lines;
}

/** `str.replace`; `limit` below 0 is none. The result is paid for before it is made. */
export function replaceText(text: string, from: string, to: string, limit: number, budget: Budget): string {
  budget.newText(text.length);
  if (from === "") return spread(text, to, limit, budget);
  let count = 0;
  for (let at = text.indexOf(from); at >= 0 && count !== limit; at = text.indexOf(from, at + from.length))
    count++;
  if (count === 0) return text;
  budget.newText(text.length + count * (to.length - from.length));
  const parts = text.split(from);
  if (count === parts.length - 1) return parts.join(to);
  return parts.slice(0, count).join(to) + to + parts.slice(count).join(from);
}

/** Puts a text before every character and at the end. */
function spread(text: string, to: string, limit: number, budget: Budget): string {
  const chars = [...text];
  const count = limit < 0 ? chars.length + 1 : Math.min(limit, chars.length + 1);
  budget.newText(text.length + count * to.length);
  const head = chars.map((char, i) => (i < count ? to + char : char)).join("");
  return count > chars.length ? head + to : head;
}

/** Letters whose capital at the head of a word differs from the upper case. */
const TITLE_CASE: Readonly<Record<string, string>> = {
  ǆ: "ǅ",
  Ǆ: "ǅ",
  ǉ: "ǈ",
  Ǉ: "ǈ",
  ǌ: "ǋ",
  Ǌ: "ǋ",
  ǳ: "ǲ",
  Ǳ: "ǲ",
};

function titleChar(char: string): string {
  const special = TITLE_CASE[char];
  if (special !== undefined) return special;
  const [first = "", ...rest] = char.toUpperCase();
  return first + rest.join("").toLowerCase();
}

/** `str.title`: a capital at the head of every run of letters. */
export function titleText(text: string): string {
  return text.replace(/\p{Cased}[\p{Cased}\p{Mn}\u00ad\u200b-\u200f]*/gu, (word) => {
    const [first = "", ...rest] = word;
    return titleChar(first) + rest.join("").toLowerCase();
  });
}

/** `str.capitalize`. */
export function capitalizeText(text: string): string {
  const [first = "", ...rest] = text;
  return titleChar(first) + rest.join("").toLowerCase();
}
