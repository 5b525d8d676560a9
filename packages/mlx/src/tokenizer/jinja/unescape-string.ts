import { syntaxError } from "./template-failure.ts";

const SIMPLE: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([xuUN])|([\s\S]))/g;

/** The value of a string literal's inside, with Python's escapes; an unknown one stays as it is written. */
export function unescapeString(text: string, line: number): string {
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPE, (whole, octal, x, u, wide, bad, other) => {
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    const hex: string | undefined = x ?? u ?? wide;
    const code = hex === undefined ? 0 : Number.parseInt(hex, 16);
    if (bad !== undefined || code > 0x10ffff) throw syntaxError(`bad escape ${whole} in a string`, line);
    if (hex !== undefined) return String.fromCodePoint(code);
    return Object.hasOwn(SIMPLE, other) ? (SIMPLE[other] ?? "") : whole;
  });
}
