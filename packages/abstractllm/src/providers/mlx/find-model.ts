import { announceDownload } from "./announce-download.ts";
import { importHub } from "./engine-package.ts";
import type { ModelSource } from "./model-source.ts";

/** A model's files on this machine, downloaded first where needed. @throws {HubError} */
export async function findModel(
  { name, hub }: Pick<ModelSource, "name" | "hub">,
  signal: AbortSignal,
): Promise<{ path: string; warnings: readonly string[] }> {
  const { resolveModel } = await importHub();
  return resolveModel(name, { onProgress: announceDownload(name), ...hub, signal });
}
