import type { DownloadProgress } from "../interface/llm-config.ts";
import { formatBytes } from "./format.ts";
import type { Terminal } from "./terminal.ts";

/** A line on stderr that is written over and goes away; nothing where stderr is no terminal. */
export class StatusLine {
  readonly #terminal: Terminal;
  #shown = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    const { errors, styleNote } = this.#terminal;
    if (!errors.isTTY) return;
    errors.write(`\r\u001b[2K${styleNote("dim", text.slice(0, Math.max(20, (errors.columns ?? 80) - 1)))}`);
    this.#shown = true;
  }

  /** A download's progress over all its files. */
  showDownload({ file, allReceivedBytes, allTotalBytes }: DownloadProgress): void {
    const percent = allTotalBytes === 0 ? 100 : Math.floor((100 * allReceivedBytes) / allTotalBytes);
    this.show(`${percent} %  ${formatBytes(allReceivedBytes)} of ${formatBytes(allTotalBytes)}  ${file}`);
  }

  clear(): void {
    if (this.#shown) this.#terminal.errors.write("\r\u001b[2K");
    this.#shown = false;
  }
}
