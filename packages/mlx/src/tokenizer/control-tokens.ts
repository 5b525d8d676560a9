import { isRecord } from "./json-file.ts";
import type { AddedTokenInfo, EncodeOptions, Tokenizer } from "./tokenizer.ts";

/** Noncharacters, which no text has, around a control token that is not one. */
export const OPEN = "\uFDD0";
const CLOSE = "\uFDD1";
const MARKS = /[\uFDD0\uFDD1]/g;

/** Control tokens of a tokenizer: in anyone's text, and in the text of everyone but the assistant. */
export interface ControlTokens {
  special: TokenPatterns | undefined;
  all: TokenPatterns | undefined;
}

interface TokenPatterns {
  whole: RegExp;
  /** Beginnings of tokens, which the next string of the template could complete. */
  beginnings: ReadonlySet<string>;
  longest: number;
}

/**
 * Control tokens are the special tokens, and added tokens that the template writes itself. The latter stay as
 * they are in an assistant's message, whose `<think>` and `<tool_call>` the model wrote.
 */
export function controlTokensOf(tokenizer: Tokenizer, template: string): ControlTokens {
  const last = latest.get(tokenizer);
  if (last?.template === template) return last.tokens;
  const tokens = findControlTokens(tokenizer, template);
  latest.set(tokenizer, { template, tokens });
  return tokens;
}

/** The last result of each tokenizer: some have thousands of added tokens. */
const latest = new WeakMap<Tokenizer, { template: string; tokens: ControlTokens }>();

function findControlTokens(tokenizer: Tokenizer, template: string): ControlTokens {
  const special = tokenizer.addedTokens.filter((token) => token.special);
  const written = tokenizer.addedTokens.filter(
    ({ special: isSpecial, content }) => !isSpecial && content.trim() !== "" && template.includes(content),
  );
  return { special: patternsOf(special), all: patternsOf([...special, ...written]) };
}

function patternsOf(tokens: readonly AddedTokenInfo[]): TokenPatterns | undefined {
  const whole = anyOf(tokens);
  if (whole === undefined) return undefined;
  const contents = tokens.map((token) => token.content);
  const beginnings = contents.flatMap((content) =>
    Array.from(content, (_, end) => content.slice(0, end)).slice(1),
  );
  return {
    whole,
    beginnings: new Set(beginnings),
    longest: Math.max(...contents.map((content) => content.length)),
  };
}

function anyOf(tokens: readonly AddedTokenInfo[]): RegExp | undefined {
  if (tokens.length === 0) return undefined;
  const longestFirst = tokens.map((token) => token.content).sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escapeRegExp).join("|"), "g");
}

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** Copies plain data, with marks around every control token in its strings. */
export function markControlTokens<T>(data: T, tokens: ControlTokens): T {
  const isAssistant = isRecord(data) && data.role === "assistant";
  const pattern = isAssistant ? tokens.special : tokens.all;
  return pattern === undefined ? data : (markAll(data, pattern) as T);
}

function markAll(data: unknown, pattern: TokenPatterns): unknown {
  if (typeof data === "string") return markText(data, pattern);
  if (Array.isArray(data)) return data.map((item) => markAll(item, pattern));
  if (!isRecord(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [markAll(key, pattern), markAll(value, pattern)]),
  );
}

function markText(data: string, { whole, beginnings, longest }: TokenPatterns): string {
  const text = data.replace(MARKS, "");
  const marked = text.replace(whole, (token) => OPEN + token + CLOSE);
  for (let length = 1; length < longest; length++) {
    if (beginnings.has(text.slice(-length))) return marked + CLOSE;
  }
  return marked;
}

/** The marks of a rendered text, also where the template's JSON escaped what is not ASCII. */
export function readMarks(rendered: string, template: string): string {
  if (!template.includes("ensure_ascii")) return rendered;
  return rendered.replaceAll("\\ufdd0", OPEN).replaceAll("\\ufdd1", CLOSE);
}

/** True when a rendered text has marks. */
export const hasMarks = (text: string): boolean => text.search(MARKS) >= 0;

/** A rendered text as the model reads it. */
export const withoutMarks = (text: string): string => text.replace(MARKS, "");

/** Encodes a rendered text: control tokens outside marks become their ids, everything else is ordinary text. */
export async function encodeMarked(
  tokenizer: Tokenizer,
  text: string,
  { continues = false }: Pick<EncodeOptions, "continues"> = {},
): Promise<number[]> {
  const byContent = new Map(tokenizer.addedTokens.map((token) => [token.content, token]));
  const parts: (number | number[])[] = [];
  let plain = "";
  let atStart = !continues;
  const flush = async () => {
    if (plain !== "") {
      const options = { addSpecialTokens: false, controlTokens: "text", continues: !atStart } as const;
      parts.push(await tokenizer.encode(plain, options));
      atStart = false;
    }
    plain = "";
  };
  let strip = false;
  for (const piece of splitMarked(tokenizer, text)) {
    const token = piece.marked ? undefined : byContent.get(piece.text);
    if (token === undefined) {
      plain += strip ? piece.text.trimStart() : piece.text;
      strip = strip && plain === "";
      continue;
    }
    if (token.lstrip) plain = plain.trimEnd();
    await flush();
    parts.push(token.id);
    atStart = false;
    strip = token.rstrip;
  }
  await flush();
  return parts.flat();
}

/** Cuts a text into marked tokens, other added tokens, and the text between; marks are left out. */
function* splitMarked(tokenizer: Tokenizer, text: string): Generator<{ text: string; marked: boolean }> {
  const added = anyOf(tokenizer.addedTokens)?.source ?? "(?!)";
  const pattern = new RegExp(`${OPEN}(${added})${CLOSE}|[${OPEN}${CLOSE}]|(${added})`, "g");
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    yield { text: text.slice(at, match.index), marked: true };
    if (match[1] !== undefined) yield { text: match[1], marked: true };
    if (match[2] !== undefined) yield { text: match[2], marked: false };
    at = match.index + match[0].length;
  }
  yield { text: text.slice(at), marked: true };
}
