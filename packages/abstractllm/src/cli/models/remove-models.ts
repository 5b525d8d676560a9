import { createInterface } from "node:readline/promises";
import { formatBytes } from "../../config/format-bytes.ts";
import { ExitCode } from "../exit-code.ts";
import { loadHub } from "../load-hub.ts";
import type { ParsedFlags } from "../parse-flags.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

/** `models rm`: frees the disk space of models, after asking. */
export async function removeModels(
  names: readonly string[],
  flags: ParsedFlags,
  terminal: Terminal,
): Promise<number> {
  if (names.length === 0) throw new UsageError("Expected a model for models rm");
  const hub = await loadHub();
  if (!flags.has("yes") && !(await confirm(names, terminal))) return ExitCode.ERROR;
  const removed = [];
  for (const name of names) {
    const result = await hub.removeModel(name, {
      cacheDir: flags.text("cache-dir"),
      revision: flags.text("revision"),
    });
    removed.push(result);
    if (!flags.has("json"))
      terminal.print(`Removed ${result.repo}, ${formatBytes(result.freedBytes)} freed\n`);
  }
  if (flags.has("json")) terminal.print(`${JSON.stringify({ removed }, undefined, 2)}\n`);
  return ExitCode.OK;
}

async function confirm(names: readonly string[], { input, errors }: Terminal): Promise<boolean> {
  if (!input.isTTY)
    throw new UsageError("models rm asks before it removes; add --yes where nobody can answer");
  const lines = createInterface({ input, output: errors });
  try {
    const answer = await lines.question(`Remove ${names.join(", ")} from the cache? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
