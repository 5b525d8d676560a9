/** How far a download is. */
export interface DownloadProgress {
  /** The file this is about, by its path in the repository. */
  file: string;
  /** Bytes of the file on the disk, those of an earlier try included. */
  receivedBytes: number;
  totalBytes: number;
  /** Bytes of all files that this call had to fetch. */
  allReceivedBytes: number;
  allTotalBytes: number;
}

/** Called before files download, with the size of all of them, and while they do. */
export type ProgressListener = (progress: DownloadProgress) => void;

interface FileProgress {
  received: number;
  total: number;
  reportedAt: number;
}

/** Adds up the bytes of concurrent transfers and reports them, not too often. */
export class ProgressMeter {
  readonly #listener: ProgressListener | undefined;
  readonly #intervalMs: number;
  readonly #files = new Map<string, FileProgress>();

  constructor(listener: ProgressListener | undefined, intervalMs: number) {
    this.#listener = listener;
    this.#intervalMs = intervalMs;
  }

  expect(file: string, totalBytes: number): void {
    const known = this.#files.get(file);
    if (known) known.total = totalBytes;
    else this.#files.set(file, { received: 0, total: totalBytes, reportedAt: Number.NEGATIVE_INFINITY });
  }

  /** Reports what is to come, before any of it is fetched. */
  begin(): void {
    const [first] = this.#files;
    if (first !== undefined) this.#report(...first);
  }

  /** `receivedBytes` may fall, when a transfer has to start over. */
  update(file: string, receivedBytes: number): void {
    const entry = this.#files.get(file);
    if (!entry) return;
    entry.received = receivedBytes;
    const now = performance.now();
    if (receivedBytes < entry.total && now - entry.reportedAt < this.#intervalMs) return;
    entry.reportedAt = now;
    this.#report(file, entry);
  }

  #report(file: string, { received: receivedBytes, total: totalBytes }: FileProgress): void {
    if (!this.#listener) return;
    let allReceivedBytes = 0;
    let allTotalBytes = 0;
    for (const { received, total } of this.#files.values()) {
      allReceivedBytes += received;
      allTotalBytes += total;
    }
    this.#listener({ file, receivedBytes, totalBytes, allReceivedBytes, allTotalBytes });
  }
}
