/** Parts of a pattern, the longest first: escapes, groups, classes, anchors and everything else. */
const PARTS =
  /\\(?:u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c.|[pP]\{[^}]*\}|k<[^>]*>|.)|\(\?<?[=!]|[\s\S]/gu;

const DIGITS = "0-9";
const WORDS = "0-9A-Za-z_";

/** What escapes of JavaScript are in Rust where they are something else. */
const IN_CLASS: Readonly<Record<string, string>> = { "\\d": DIGITS, "\\w": WORDS };
const OUTSIDE: Readonly<Record<string, string>> = {
  "\\d": `[${DIGITS}]`,
  "\\D": `[^${DIGITS}]`,
  "\\w": `[${WORDS}]`,
  "\\W": `[^${WORDS}]`,
  ".": "[^\\n\\r\\u{2028}\\u{2029}]",
};

/**
 * The expression of Rust's `regex` that a whole text matches when it matches a pattern of JSON Schema somewhere.
 *
 * @returns undefined where there is none, or none is known: look-around, references back, anchors within
 */
export function rustPattern(pattern: string): string | undefined {
  const parts = [...pattern.matchAll(PARTS)].map(([part]) => part);
  const [isAnchored, isEnded] = [parts[0] === "^", parts.at(-1) === "$"];
  const inner = parts.slice(isAnchored ? 1 : 0, isEnded ? -1 : undefined);
  const body = translate(inner, isAnchored || isEnded);
  if (body === undefined) return undefined;
  return `${isAnchored ? "" : "(?s:.*)"}(?:${body})${isEnded ? "" : "(?s:.*)"}`;
}

/** @param isAnchored - so that a choice outside of groups would not be one between whole patterns */
function translate(parts: readonly string[], isAnchored: boolean): string | undefined {
  let body = "";
  let isInClass = false;
  let depth = 0;
  for (const [index, part] of parts.entries()) {
    if (/^\\(?:[bBcCkDW1-9]|c.|k<.*)$/.test(part) && !(OUTSIDE[part] !== undefined && !isInClass))
      return undefined;
    if (isInClass) {
      if (part === "]") isInClass = false;
      body += IN_CLASS[part] ?? (/^[[&~]$/.test(part) ? `\\${part}` : escapeOf(part));
      continue;
    }
    if (part.startsWith("(?") || part === "^" || part === "$") return undefined;
    if (part === "[") isInClass = true;
    if (part === "[" && parts[index + 1] === "]") return undefined;
    if (part === "(") depth++;
    if (part === ")") depth--;
    if (part === "|" && depth === 0 && isAnchored) return undefined;
    body += OUTSIDE[part] ?? escapeOf(part);
  }
  return body;
}

function escapeOf(part: string): string {
  if (part === "\\0") return "\\x00";
  if (/^\\u[\da-fA-F]{4}$/.test(part)) return `\\u{${part.slice(2)}}`;
  return part === "\\/" ? "/" : part;
}
