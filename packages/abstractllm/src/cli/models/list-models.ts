import { formatBytes } from "../../config/format-bytes.ts";
import { ExitCode } from "../exit-code.ts";
import { formatAge, formatTable } from "../format.ts";
import { loadHub } from "../load-hub.ts";
import type { ParsedFlags } from "../parse-flags.ts";
import { plain, type Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { listRemoteModels } from "./list-remote-models.ts";

/** `models list`: what of the cache can be loaded, or what another provider has. */
export async function listModels(
  names: readonly string[],
  flags: ParsedFlags,
  terminal: Terminal,
): Promise<number> {
  if (names.length > 0) throw new UsageError("models list takes no model; models info describes one");
  const provider = flags.text("provider") ?? "mlx";
  if (provider !== "mlx") return listRemoteModels(flags, terminal);
  const hub = await loadHub();
  const { cacheDir } = hub.hubSettings(undefined, { cacheDir: flags.text("cache-dir") });
  const models = await hub.cachedModels(cacheDir);
  if (flags.has("json")) {
    terminal.print(`${JSON.stringify({ cacheDir, models }, undefined, 2)}\n`);
  } else if (models.length === 0) {
    terminal.note(
      `No models in ${cacheDir}. Fetch one: abstractllm models pull mlx-community/SmolLM2-135M-Instruct`,
    );
  } else {
    const rows = models.map((model) => [
      plain(model.repo),
      formatBytes(model.sizeBytes),
      model.format,
      formatAge(model.lastAccessed),
    ]);
    terminal.print(formatTable([["MODEL", "SIZE", "FORMAT", "USED"], ...rows]));
  }
  return ExitCode.OK;
}
