import { createRequire } from "node:module";
import { nearestName } from "../config/nearest-name.ts";
import type { Command } from "./command.ts";
import { chatCommand } from "./commands/chat.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { generateCommand } from "./commands/generate.ts";
import { modelsCommand } from "./commands/models.ts";
import { ExitCode } from "./exit-code.ts";
import { HELP_FLAG } from "./flags.ts";
import { commandHelp, programHelp } from "./help-text.ts";
import { parseFlags } from "./parse-flags.ts";
import { reportError } from "./report-error.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const COMMANDS: readonly Command[] = [generateCommand, chatCommand, modelsCommand, doctorCommand];

/**
 * Runs one command line.
 *
 * @param args - what follows the program's name
 * @returns the exit status
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const json = args.includes("--json");
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    return reportError(error, terminal, { json, flags: findCommand(args[0])?.flags ?? [] });
  }
}

async function dispatch([name, ...rest]: readonly string[], terminal: Terminal): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const command = findCommand(rest[0]);
    terminal.print(command ? commandHelp(command, terminal) : programHelp(COMMANDS, terminal));
    return name === undefined ? ExitCode.USAGE : ExitCode.OK;
  }
  if (name === "--version" || name === "-v") {
    terminal.print(`${packageVersion()}\n`);
    return ExitCode.OK;
  }
  const command = findCommand(name);
  if (command === undefined) throw unknownCommand(name);
  const flags = parseFlags(rest, [...command.flags, HELP_FLAG]);
  if (flags.has("help")) {
    terminal.print(commandHelp(command, terminal));
    return ExitCode.OK;
  }
  return command.run(flags, terminal);
}

function findCommand(name: string | undefined): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}

function unknownCommand(name: string): UsageError {
  const names = COMMANDS.map((command) => command.name);
  const nearest = nearestName(name, names);
  const hint =
    nearest === undefined ? " To ask a model: abstractllm generate PROMPT." : ` Did you mean "${nearest}"?`;
  return new UsageError(
    `Unknown command "${name}".${hint} Commands: ${names.join(", ")}. See abstractllm --help`,
  );
}

function packageVersion(): string {
  const manifest: { version: string } = createRequire(import.meta.url)("abstractllm/package.json");
  return manifest.version;
}
