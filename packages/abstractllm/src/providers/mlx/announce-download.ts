import { formatBytes } from "../../config/format-bytes.ts";
import type { DownloadProgress } from "../../interface/llm-config.ts";

/** Says, once, how large a download is whose progress nobody asked for: it may take long, and fill a disk. */
export function announceDownload(name: string): (progress: DownloadProgress) => void {
  let isSaid = false;
  return ({ allTotalBytes }) => {
    if (isSaid) return;
    isSaid = true;
    process.emitWarning(`Downloading ${name}, ${formatBytes(allTotalBytes)}`, "AbstractLLM");
  };
}
