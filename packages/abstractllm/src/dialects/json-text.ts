/** The value of a JSON text, line breaks within its strings allowed; undefined when it is none. */
export function readJson(text: string): unknown {
  return parse(text) ?? parse(text.replace(STRINGS, escapeControls));
}

/** The object that a JSON text holds. */
export function readJsonObject(text: string): Record<string, unknown> | undefined {
  const value = readJson(text);
  return isRecord(value) ? value : undefined;
}

/** An object that is no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The end of the JSON value that begins at `start`, its brackets and strings balanced; undefined when it has none. */
export function endOfJson(text: string, start: number): number | undefined {
  let depth = 0;
  for (const { 0: token, 1: close, index } of text.slice(start).matchAll(TOKENS)) {
    if (close !== undefined && close !== '"') return undefined; // a string that does not end
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    if (depth <= 0) return start + index + token.length;
  }
  return undefined;
}

/** True when a JSON text breaks off within a string. */
export function endsInString(text: string): boolean {
  const close = [...text.matchAll(STRINGS)].at(-1)?.[1] ?? '"';
  return close !== '"';
}

/** The pieces of a text between marks, those within strings of JSON not counted. */
export function splitOutsideStrings(text: string, mark: string): string[] {
  const blanked = text.replace(STRINGS, (string) => "\0".repeat(string.length));
  const pieces: string[] = [];
  let at = 0;
  for (let found = blanked.indexOf(mark); found >= 0; found = blanked.indexOf(mark, at)) {
    pieces.push(text.slice(at, found));
    at = found + mark.length;
  }
  return [...pieces, text.slice(at)];
}

// a string that does not end goes on to the end of the text, so that nothing in it is looked at twice
const STRINGS = /"[^"\\]*(?:\\.[^"\\]*)*("|\\?$)/gs;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*("|\\?$)|[{}[\]]/gs;
const CONTROLS = /\p{Cc}/gu;

const escapeControls = (text: string): string =>
  text.replace(CONTROLS, (character) => JSON.stringify(character).slice(1, -1));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
