/** Shorter texts of a request are words that occur in any message. */
const MIN_PRIVATE_CHARACTERS = 16;

/** Fields of a request that an error message should name. */
const PUBLIC_FIELDS: ReadonlySet<string> = new Set(["model"]);

/**
 * A function that takes credentials, and longer texts of a request, out of what a service said.
 *
 * @param secrets - keys, tokens and passwords
 * @param body - the request; read only when something is redacted
 */
export function createRedactor(secrets: readonly string[], body: unknown): (text: string) => string {
  return (text) => {
    let redacted = text;
    for (const secret of secrets) if (secret !== "") redacted = redacted.replaceAll(secret, "[secret]");
    for (const value of privateTexts(body)) redacted = redacted.replaceAll(value, "[prompt]");
    return redacted;
  };
}

function* privateTexts(value: unknown): Generator<string> {
  if (typeof value === "string") {
    if (value.length < MIN_PRIVATE_CHARACTERS) return;
    yield value;
    yield JSON.stringify(value).slice(1, -1);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) if (!PUBLIC_FIELDS.has(key)) yield* privateTexts(item);
  }
}
