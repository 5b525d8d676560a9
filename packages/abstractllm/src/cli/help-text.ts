import type { Command } from "./command.ts";
import { type Flag, HELP_FLAG } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

const EXIT_CODES = "Exit codes: 0 done, 1 error, 2 wrong command line, 130 interrupted.";

/** The help of the whole program. */
export function programHelp(commands: readonly Command[], terminal: Terminal): string {
  const rows = commands.map(({ name, summary }): [string, string] => [name, summary]);
  return [
    "abstractllm: one interface over every text LLM, cloud or local.",
    "",
    terminal.style("bold", "Usage"),
    "  abstractllm <command> [arguments] [flags]",
    "",
    terminal.style("bold", "Commands"),
    ...columns(rows),
    "",
    "`abstractllm <command> --help` shows a command's flags; `--version` the version.",
    EXIT_CODES,
    "",
  ].join("\n");
}

/** The help of one command. */
export function commandHelp(command: Command, terminal: Terminal): string {
  const heading = (text: string) => terminal.style("bold", text);
  return [
    `${command.summary}.`,
    "",
    heading("Usage"),
    `  abstractllm ${[command.name, command.arguments, "[flags]"].filter(Boolean).join(" ")}`,
    ...(command.notes ?? []).flatMap((note) => ["", note]),
    "",
    heading("Flags"),
    ...columns([...command.flags, HELP_FLAG].map((flag) => [flagSyntax(flag), flag.help])),
    "",
    heading("Examples"),
    ...command.examples.map((example) => `  ${example}`),
    "",
    EXIT_CODES,
    "",
  ].join("\n");
}

function flagSyntax({ name, short, value, negative }: Flag): string {
  const letter = short === undefined ? "    " : `-${short}, `;
  return `${letter}--${negative ? "no-" : ""}${name}${value === undefined ? "" : ` ${value}`}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
