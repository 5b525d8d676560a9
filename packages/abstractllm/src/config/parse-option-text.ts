import type { Check } from "./checks.ts";

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  "1": true,
  false: false,
  no: false,
  off: false,
  "0": false,
};

/**
 * The value that a text from an environment variable, a flag or a chat command stands for.
 *
 * A text that cannot be read as such a value is returned as it is, for the option's check to refuse.
 */
export function parseOptionText(check: Check, text: string): unknown {
  switch (check.text) {
    case "number":
      return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    case "boolean":
      return BOOLEANS[text.toLowerCase()] ?? text;
    case "limit":
      return BOOLEANS[text.toLowerCase()] ?? (/^\d+$/.test(text) ? { maxTokens: Number(text) } : text);
    case "list":
      return [text];
    case "json":
      return parseJson(text);
    default:
      return text;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
