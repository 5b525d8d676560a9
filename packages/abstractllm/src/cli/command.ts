import type { Flag } from "./flags.ts";
import type { ParsedFlags } from "./parse-flags.ts";
import type { Terminal } from "./terminal.ts";

/** One command of the program. */
export interface Command {
  readonly name: string;
  /** What follows the name on the command line. */
  readonly arguments: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** Command lines that show what it is for. */
  readonly examples: readonly string[];
  /** Further paragraphs of the help. */
  readonly notes?: readonly string[];
  /** @returns the exit status */
  run(flags: ParsedFlags, terminal: Terminal): Promise<number>;
}
