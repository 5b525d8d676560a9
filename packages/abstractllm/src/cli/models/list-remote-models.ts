import { ExitCode } from "../exit-code.ts";
import { formatTable } from "../format.ts";
import { interruptible } from "../interrupts.ts";
import { openLLM } from "../open-llm.ts";
import type { ParsedFlags } from "../parse-flags.ts";
import { StatusLine } from "../status-line.ts";
import { plain, type Terminal } from "../terminal.ts";

/** `models list --provider`: what the provider's service says that it has. */
export async function listRemoteModels(flags: ParsedFlags, terminal: Terminal): Promise<number> {
  const llm = await openLLM(flags, new StatusLine(terminal));
  const models = await interruptible((signal) => llm.listModels({ signal }));
  if (flags.has("json")) {
    terminal.print(`${JSON.stringify({ provider: llm.provider, models }, undefined, 2)}\n`);
    return ExitCode.OK;
  }
  const rows = models.map(({ id, createdAt, ownedBy = "", capabilities }) => [
    plain(id),
    `${capabilities.contextWindow ?? ""}`,
    createdAt?.toISOString().slice(0, "2026-01-01".length) ?? "",
    plain(ownedBy),
  ]);
  terminal.print(formatTable([["MODEL", "CONTEXT", "DATE", "OWNER"], ...rows]));
  return ExitCode.OK;
}
