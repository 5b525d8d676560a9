import { join } from "node:path";
import { HubError } from "../errors.ts";
import { BlobLock } from "./blob-lock.ts";
import type { RepoFolders } from "./cache-layout.ts";
import type { RemoteFile } from "./file-metadata.ts";
import { errnoOf, ifPresent } from "./fs-errors.ts";
import type { HubContext } from "./hub-context.ts";
import { type HubExchange, hubRequest } from "./hub-request.ts";
import { PartialFile, partialBytes, removePartials } from "./partial-file.ts";
import { RetryableFailure, RetryBudget } from "./retry.ts";
import { verifyFile } from "./verify-file.ts";

/** Told how many bytes of the file are on the disk, whoever brought them. */
export type ByteReport = (receivedBytes: number) => void;

/**
 * Brings one blob into the cache: takes its lock, goes on where an earlier try stopped, proves size and hash, and only
 * then gives it its name. What arrived before a failure stays for the next try, unless it is proven bad.
 *
 * @returns the bytes this call transferred; 0 when the blob was there or another process brought it
 * @throws {HubError} `network`, `integrity`, `gated`, `model-not-found` or `aborted`
 */
export async function downloadBlob(
  context: HubContext,
  folders: RepoFolders,
  file: RemoteFile,
  report: ByteReport,
): Promise<number> {
  const blob = join(folders.blobs, file.etag);
  if (await isComplete(context, blob, file)) return 0;
  const lock = await BlobLock.acquire(context, folders.locks, file.etag, async () =>
    report(await partialBytes(context, folders.blobs, file.etag)),
  );
  try {
    if (await isComplete(context, blob, file)) return 0;
    return await transfer(context, folders, file, blob, report);
  } finally {
    await lock.release();
  }
}

async function isComplete(context: HubContext, blob: string, file: RemoteFile): Promise<boolean> {
  return (await ifPresent(context.fs.stat(blob)))?.size === file.sizeBytes;
}

async function transfer(
  context: HubContext,
  folders: RepoFolders,
  file: RemoteFile,
  blob: string,
  report: ByteReport,
): Promise<number> {
  const partial = await PartialFile.claim(context, folders.blobs, file.etag, file.sizeBytes);
  let transferred: number;
  try {
    report(partial.size);
    transferred = await receiveAll(context, file, partial, report);
    await partial.flush();
  } finally {
    await partial.close();
  }
  try {
    if (!(await verifyFile(context, partial.path, file.etag, file.sizeBytes))) {
      await removePartials(context, folders.blobs, file.etag);
      throw damaged(file, "does not match its hash");
    }
    await context.fs.rename(partial.path, blob);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw damaged(file, "was taken over by another process");
  }
  await removePartials(context, folders.blobs, file.etag);
  return transferred;
}

async function receiveAll(
  context: HubContext,
  file: RemoteFile,
  partial: PartialFile,
  report: ByteReport,
): Promise<number> {
  const budget = new RetryBudget(context);
  const source: Source = { validator: undefined };
  let transferred = 0;
  let furthest = partial.size;
  while (partial.size < file.sizeBytes) {
    try {
      await receive(context, file, partial, source, (bytes) => {
        transferred += bytes;
        report(partial.size);
      });
      if (partial.size < file.sizeBytes) throw new RetryableFailure(tooShort(file, partial.size));
    } catch (failure) {
      // counted from the furthest point ever: a server that starts over each time makes no progress
      if (partial.size - furthest >= context.limits.progressBytes) {
        furthest = partial.size;
        budget.refill();
      }
      await budget.wait(failure);
    }
  }
  return transferred;
}

interface Source {
  /** The strong ETag of the server that has the bytes; a change means other bytes. */
  validator: string | undefined;
}

/** One request for the bytes still missing. */
async function receive(
  context: HubContext,
  file: RemoteFile,
  partial: PartialFile,
  source: Source,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const subject = { repo: file.repo, revision: file.commit, file: file.path };
  const headers: Record<string, string> = {};
  if (partial.size > 0) headers.range = `bytes=${partial.size}-`;
  const exchange = await hubRequest(context, { method: "GET", url: file.url, subject, headers });
  try {
    await alignPartial(exchange, file, partial, source);
    for await (const chunk of exchange.chunks()) {
      if (partial.size + chunk.byteLength > file.sizeBytes) {
        await partial.restart();
        throw damaged(file, `is larger than the ${file.sizeBytes} bytes the hub names`);
      }
      await partial.append(chunk);
      onBytes(chunk.byteLength);
    }
  } finally {
    exchange.discard();
  }
}

/** Makes what is on the disk the beginning of what the answer holds, or throws it away. */
async function alignPartial(
  { response }: HubExchange,
  file: RemoteFile,
  partial: PartialFile,
  source: Source,
): Promise<void> {
  const etag = response.headers.get("etag");
  const validator = etag?.startsWith('"') ? etag : undefined;
  const changed = source.validator !== undefined && validator !== undefined && validator !== source.validator;
  source.validator = validator ?? source.validator;
  if (response.status === 200) {
    if (partial.size > 0) await partial.restart(); // the server does not do ranges
    return;
  }
  if (response.status === 206 && !changed && continues(response, partial.size, file.sizeBytes)) return;
  await partial.restart();
  throw new RetryableFailure(
    damaged(file, changed ? "changed on the server during the transfer" : "was sent from a wrong position"),
  );
}

function continues(response: Response, offset: number, sizeBytes: number): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  const encoding = response.headers.get("content-encoding");
  if (range === null || (encoding !== null && encoding !== "identity")) return false;
  return Number(range[1]) === offset && (range[2] === "*" || Number(range[2]) === sizeBytes);
}

function tooShort(file: RemoteFile, bytes: number): HubError {
  return new HubError(
    "network",
    `The server sent ${bytes} of the ${file.sizeBytes} bytes of ${file.path} of ${file.repo}. Run it again: they are kept.`,
    { details: { repo: file.repo, file: file.path, receivedBytes: bytes, totalBytes: file.sizeBytes } },
  );
}

function damaged(file: RemoteFile, problem: string): HubError {
  return new HubError(
    "integrity",
    `The download of ${file.path} of ${file.repo} ${problem}. It was thrown away; run it again, and if it happens ` +
      "again, look at the proxy or mirror in between.",
    { details: { repo: file.repo, file: file.path, etag: file.etag } },
  );
}
