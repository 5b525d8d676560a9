import type { Command } from "../command.ts";
import { type Finding, findings } from "../doctor/findings.ts";
import { ExitCode } from "../exit-code.ts";
import { CACHE_FLAGS, JSON_FLAG } from "../flags.ts";
import type { Style, Terminal } from "../terminal.ts";

const MARKS: Readonly<Record<Finding["status"], [string, Style]>> = {
  ok: ["ok", "green"],
  info: ["--", "cyan"],
  problem: ["!!", "red"],
};

/** Says what was found on this machine, and what to do about what was not. */
export const doctorCommand: Command = {
  name: "doctor",
  arguments: "",
  summary: "Check libmlx, device, caches and keys",
  notes: ["Ends with 1 when something is in the way. Keys are named, never shown."],
  flags: [...CACHE_FLAGS, JSON_FLAG],
  examples: ["abstractllm doctor", "abstractllm doctor --json"],
  run: async (flags, terminal) => {
    const found = await findings({ cacheDir: flags.text("cache-dir") });
    if (flags.has("json")) terminal.print(`${JSON.stringify({ findings: found }, undefined, 2)}\n`);
    else for (const finding of found) print(finding, terminal);
    return found.some(({ status }) => status === "problem") ? ExitCode.ERROR : ExitCode.OK;
  },
};

function print({ status, name, detail, remedy }: Finding, terminal: Terminal): void {
  const [mark, style] = MARKS[status];
  terminal.print(`${terminal.style(style, mark)}  ${name.padEnd(18)} ${detail}\n`);
  if (remedy !== undefined) terminal.print(`${" ".repeat(23)}${terminal.style("dim", remedy)}\n`);
}
