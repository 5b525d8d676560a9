import { OPTION_TABLE, type OptionName } from "../config/option-table.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { createLLM } from "../registry/index.ts";
import type { ParsedFlags } from "./parse-flags.ts";
import type { StatusLine } from "./status-line.ts";

/** Opens the model that flags name, showing on the status line how a download goes. */
export async function openLLM({ text, options }: ParsedFlags, status: StatusLine): Promise<AbstractLLM> {
  const names = Object.keys(options) as OptionName[];
  const forConfig = names.filter((name) => OPTION_TABLE[name].scope !== "call");
  const provider = text("provider") ?? "mlx";
  return createLLM(provider, {
    ...Object.fromEntries(forConfig.map((name) => [name, options[name]])),
    ...(provider === "mlx" ? { onProgress: (progress) => status.showDownload(progress) } : {}),
  });
}
