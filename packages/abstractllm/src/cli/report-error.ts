import { AbstractLLMError, InvalidParameterError, UnsupportedProviderError } from "../errors/index.ts";
import { ExitCode } from "./exit-code.ts";
import type { Flag } from "./flags.ts";
import { Interrupted } from "./interrupts.ts";
import { nameFlags } from "./name-flags.ts";
import { plain, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Says on stderr, and with `json` on stdout too, why a command failed.
 *
 * @param flags - of the command, which messages name instead of options
 * @returns the exit status
 */
export function reportError(
  error: unknown,
  terminal: Terminal,
  { json, flags }: { json: boolean; flags: readonly Flag[] },
): number {
  if (error instanceof Interrupted) return ExitCode.INTERRUPTED;
  const message = plain(nameFlags(error instanceof Error ? error.message : String(error), flags));
  terminal.note(`${terminal.styleNote("red", "error:")} ${message}`);
  if (json) {
    const name = error instanceof Error ? error.name : "Error";
    const { code } = error as { code?: unknown };
    const retryable = AbstractLLMError.isInstance(error) && error.retryable;
    const shown = { name, code: typeof code === "string" ? code : "unknown", message, retryable };
    terminal.print(`${JSON.stringify({ error: shown })}\n`);
  }
  return isUsage(error) ? ExitCode.USAGE : ExitCode.ERROR;
}

function isUsage(error: unknown): boolean {
  return (
    error instanceof UsageError ||
    InvalidParameterError.isInstance(error) ||
    UnsupportedProviderError.isInstance(error)
  );
}
