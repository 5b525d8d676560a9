import { formatBytes } from "../config/format-bytes.ts";
import type { DownloadProgress } from "../interface/llm-config.ts";
import type { Terminal } from "./terminal.ts";

/** A line on stderr that is written over and goes away, where stderr is a terminal. */
export class StatusLine {
  readonly #terminal: Terminal;
  #shown = false;
  /** Bytes of the download that was said to begin. */
  #begunBytes: number | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    const { errors, styleNote } = this.#terminal;
    if (!errors.isTTY) return;
    errors.write(`\r\u001b[2K${styleNote("dim", text.slice(0, Math.max(20, (errors.columns ?? 80) - 1)))}`);
    this.#shown = true;
  }

  /** A download's progress over all its files; its size in a line that stays, also where stderr is no terminal. */
  showDownload({ file, allReceivedBytes, allTotalBytes }: DownloadProgress): void {
    if (allReceivedBytes === 0 && allTotalBytes !== this.#begunBytes) {
      this.#begunBytes = allTotalBytes;
      this.clear();
      this.#terminal.note(
        `Downloading ${formatBytes(allTotalBytes)}; Ctrl-C stops, and another try goes on from there`,
      );
    }
    const percent = allTotalBytes === 0 ? 100 : Math.floor((100 * allReceivedBytes) / allTotalBytes);
    this.show(`${percent} %  ${formatBytes(allReceivedBytes)} of ${formatBytes(allTotalBytes)}  ${file}`);
  }

  clear(): void {
    if (this.#shown) this.#terminal.errors.write("\r\u001b[2K");
    this.#shown = false;
  }
}
