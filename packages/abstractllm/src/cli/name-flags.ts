import type { Flag } from "./flags.ts";

/** The message of an error with the flags of a command in place of the options that they set. */
export function nameFlags(message: string, flags: readonly Flag[]): string {
  return flags.reduce((text, flag) => text.replace(mentionOf(flag), flagText(flag)), message);
}

function flagText({ name, negative }: Flag): string {
  return `--${negative ? "no-" : ""}${name}`;
}

/** Where a message speaks of a flag's option: by its name, which for one word must be marked as a name, and its value. */
function mentionOf({ option, negative }: Flag): RegExp {
  if (option === undefined) return /(?!)/; // nowhere
  const marked = `(?<=\\boption )"?${option}"?(?!\\w)|(?<=\\bfor )${option}(?= but received)`;
  if (option === option.toLowerCase()) return new RegExp(marked, "g");
  return new RegExp(`${marked}|(?<![\\w"'])${option}(?:: ${negative ? "false" : "true"})?(?!\\w)`, "g");
}
