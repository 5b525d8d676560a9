import { createHash } from "node:crypto";
import type { HubContext } from "./hub-context.ts";
import { throwIfAborted } from "./retry.ts";

const READ_BYTES = 2 ** 20;

/**
 * Whether the file on disk is what its ETag says: a sha256, or the git hash of its content. An ETag of another form
 * proves nothing and passes.
 */
export async function verifyFile(
  context: HubContext,
  path: string,
  etag: string,
  sizeBytes: number,
): Promise<boolean> {
  const hash = hashFor(etag, sizeBytes);
  if (hash === undefined) return true;
  const handle = await context.fs.open(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      throwIfAborted(context.signal);
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return hash.digest("hex") === etag;
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

function hashFor(etag: string, sizeBytes: number) {
  if (/^[0-9a-f]{64}$/.test(etag)) return createHash("sha256");
  if (/^[0-9a-f]{40}$/.test(etag)) return createHash("sha1").update(`blob ${sizeBytes}\0`);
  return undefined;
}
