/** What Python's `str.isspace` accepts, as the inside of a character class. JavaScript's `\s` has U+FEFF and not U+001C. */
export const PY_SPACE =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const SPACE_CHAR = new RegExp(`[${PY_SPACE}]`, "u");

/** True for one character that Python counts as white space. */
const isSpace = (char: string): boolean => SPACE_CHAR.test(char);

/** `str.rstrip()`; with `chars`, of those characters. */
export function trimEnd(text: string, chars?: string): string {
  const drop = dropper(chars);
  let end = text.length;
  while (end > 0) {
    const size = lastCharSize(text, end);
    if (!drop(text.slice(end - size, end))) break;
    end -= size;
  }
  return text.slice(0, end);
}

/** `str.lstrip()`; with `chars`, of those characters. */
export function trimStart(text: string, chars?: string): string {
  const drop = dropper(chars);
  let start = 0;
  while (start < text.length) {
    const size = (text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
    if (!drop(text.slice(start, start + size))) break;
    start += size;
  }
  return text.slice(start);
}

/** `str.strip()`; with `chars`, of those characters. */
export const trim = (text: string, chars?: string): string => trimEnd(trimStart(text, chars), chars);

function dropper(chars: string | undefined): (char: string) => boolean {
  if (chars === undefined) return isSpace;
  const set = new Set(chars);
  return (char) => set.has(char);
}

function lastCharSize(text: string, end: number): number {
  const low = text.charCodeAt(end - 1);
  const high = text.charCodeAt(end - 2);
  return low >= 0xdc00 && low <= 0xdfff && high >= 0xd800 && high <= 0xdbff ? 2 : 1;
}

const SURROGATE = /[\ud800-\udfff]/;

/** The characters of a string as Python counts them, or the string itself where UTF-16 counts the same. */
export function characters(text: string): string | string[] {
  return SURROGATE.test(text) ? [...text] : text;
}

/** `len(text)`. */
export const characterCount = (text: string): number => characters(text).length;

/** `repr` of a float. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    const size = Math.abs(power).toString().padStart(2, "0");
    return `${mantissa}e${power < 0 ? "-" : "+"}${size}`;
  }
  const text = power < 0 ? fixedSmall(mantissa, power) : value.toString();
  return text.includes(".") ? text : `${text}.0`;
}

function fixedSmall(mantissa: string, power: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  return `${sign}0.${"0".repeat(-power - 1)}${digits}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
const UNPRINTABLE = /[\\\p{C}\p{Zl}\p{Zp}\p{Zs}]/gu;

/** `repr` of a string. */
export function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(UNPRINTABLE, (char) => {
    if (char === " ") return char;
    const simple = ESCAPES[char];
    if (simple !== undefined) return simple;
    const code = char.codePointAt(0) ?? 0;
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
    if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
    return `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}
