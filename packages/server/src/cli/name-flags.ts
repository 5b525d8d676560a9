import type { ServerOptions } from "../server/server-options.ts";

/** Flags of options that have one. */
const FLAGS = {
  host: "--host",
  port: "--port",
  apiKey: "--api-key",
  cors: "--cors",
  allowedHosts: "--allowed-host",
  ignoreFields: "--ignore-field",
  maxCalls: "--max-calls",
  maxStoredResponses: "--max-stored-responses",
  allowPublic: "--allow-public",
} as const satisfies Partial<Record<keyof ServerOptions, string>>;

/** The message of an error with flags in place of the options that they set. */
export function nameFlags(message: string): string {
  return Object.entries(FLAGS).reduce(
    (text, [option, flag]) => text.replace(mentionOf(option), flag),
    message,
  );
}

/** Where a message speaks of an option: by its name, which for one word must be marked as a name. */
function mentionOf(option: string): RegExp {
  const marked = `(?<=\\bfor )${option}(?= but received)`;
  return new RegExp(
    option === option.toLowerCase() ? marked : `${marked}|(?:an )?\\b${option}\\b(?:: true)?`,
  );
}
