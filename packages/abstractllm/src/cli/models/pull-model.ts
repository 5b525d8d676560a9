import { ExitCode } from "../exit-code.ts";
import { interruptible } from "../interrupts.ts";
import { loadHub } from "../load-hub.ts";
import type { ParsedFlags } from "../parse-flags.ts";
import { printWarnings } from "../print-stats.ts";
import { StatusLine } from "../status-line.ts";
import type { Terminal } from "../terminal.ts";
import { oneName } from "./one-name.ts";

/** `models pull`: fetches a model, or what is missing of it. */
export async function pullModel(
  names: readonly string[],
  flags: ParsedFlags,
  terminal: Terminal,
): Promise<number> {
  const name = oneName(names, "pull");
  const hub = await loadHub();
  const status = new StatusLine(terminal);
  return interruptible(async (signal) => {
    try {
      const model = await hub.resolveModel(name, {
        cacheDir: flags.text("cache-dir"),
        revision: flags.text("revision"),
        endpoint: flags.text("endpoint"),
        ...(flags.has("offline") ? { offline: true } : {}),
        signal,
        onProgress: (progress) => status.showDownload(progress),
      });
      status.clear();
      printWarnings(model.warnings, terminal);
      terminal.print(flags.has("json") ? `${JSON.stringify(model, undefined, 2)}\n` : `${model.path}\n`);
      return ExitCode.OK;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      status.clear();
    }
  });
}
