/** A service that asks for more is down for good as far as a call goes; also keeps dates far off from overflowing. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * How long a service asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date.
 *
 * @param headers - names in lower case
 * @returns milliseconds, at most a day; undefined where there is none, or one that says nothing
 */
export function readRetryAfter(
  headers: Readonly<Record<string, string>>,
  now: number = Date.now(),
): number | undefined {
  const wait = readNumber(headers["retry-after-ms"]) ?? readSecondsOrDate(headers["retry-after"], now);
  return wait === undefined ? undefined : Math.min(Math.ceil(wait), MAX_RETRY_AFTER_MS);
}

function readSecondsOrDate(text: string | undefined, now: number): number | undefined {
  const seconds = readNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  if (text === undefined || !/[a-z]{3}/i.test(text)) return undefined; // Date.parse takes "-1" for a year
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}
