/** A test of a value, and what the value should have been where it fails. */
export interface Check<T = unknown> {
  readonly expected: string;
  accepts(value: unknown): value is T;
}

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

function check<T>(expected: string, accepts: (value: unknown) => boolean): Check<T> {
  return { expected, accepts: accepts as Check<T>["accepts"] };
}

export const text: Check<string> = check("string", (value) => typeof value === "string");
export const nonEmptyText: Check<string> = check(
  "non-empty string",
  (value) => typeof value === "string" && value !== "",
);
export const flag: Check<boolean> = check("boolean", (value) => typeof value === "boolean");
export const number: Check<number> = check("number", Number.isFinite);
export const integer: Check<number> = check("integer", Number.isSafeInteger);
export const positiveInteger: Check<number> = check(
  "positive integer",
  (value) => Number.isSafeInteger(value) && (value as number) > 0,
);
export const naturalNumber: Check<number> = check(
  "integer that is 0 or more",
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);
export const callback: Check<(...args: never) => unknown> = check(
  "function",
  (value) => typeof value === "function",
);
export const object: Check<JsonObject> = check(
  "object",
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

/** A port; 0 stands for any free one. */
export const port: Check<number> = check(
  "integer between 0 and 65535",
  (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 65_535,
);
/** Where pages come from, as browsers write it. */
export const originList: Check<readonly string[]> = check(
  'array of origins such as "https://example.org", or "*",',
  (value) => Array.isArray(value) && value.every(isOrigin),
);

const isOrigin = (value: unknown): boolean =>
  value === "*" || (typeof value === "string" && URL.canParse(value) && new URL(value).origin === value);

/** One of these words. */
export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  const expected = words.map((word) => `"${word}"`).join(" or ");
  return check(expected, (value) => words.includes(value as T));
}

/** A list whose items pass. */
export function listOf<T>(item: Check<T>): Check<readonly T[]> {
  return check(`array of ${item.expected}s`, (value) => Array.isArray(value) && value.every(item.accepts));
}

/** What passes one of two checks. */
export function either<A, B>(first: Check<A>, second: Check<B>): Check<A | B> {
  return check(
    `${first.expected} or ${second.expected}`,
    (value) => first.accepts(value) || second.accepts(value),
  );
}

/** A value as messages show it: what kind it is, never what it holds. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" || typeof value === "boolean" ? String(value) : typeof value;
}
