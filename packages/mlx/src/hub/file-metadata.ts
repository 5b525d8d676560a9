import { HubError } from "../errors.ts";
import type { HubContext } from "./hub-context.ts";
import { hubRequest } from "./hub-request.ts";
import { withRetries } from "./retry.ts";

/** One file at one commit, and what it must turn out to be. */
export interface RemoteFile {
  repo: string;
  commit: string;
  path: string;
  url: string;
  /** Name of its blob: the sha256 of large files, the git hash of small ones. */
  etag: string;
  sizeBytes: number;
}

/**
 * Asks the hub for a file's hash and size with a HEAD request.
 *
 * @param listedBytes - size from the listing, for servers that leave it out here
 * @throws {HubError} `model-not-found`, `gated`, `network`, `integrity` or `aborted`
 */
export function fetchFileMetadata(
  context: HubContext,
  repo: string,
  commit: string,
  path: string,
  listedBytes: number | undefined,
): Promise<RemoteFile> {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const url = `${context.settings.endpoint}/${repo}/resolve/${commit}/${encoded}`;
  return withRetries(context, async () => {
    const subject = { repo, revision: commit, file: path };
    const exchange = await hubRequest(context, { method: "HEAD", url, subject });
    exchange.discard();
    const { headers, status } = exchange.response;
    const etag = blobName(headers.get("x-linked-etag") ?? headers.get("etag"));
    // a redirect's own length is that of its body
    const length = headers.get("x-linked-size") ?? (status < 300 ? headers.get("content-length") : null);
    const sizeBytes = length !== null && /^\d{1,15}$/.test(length) ? Number(length) : listedBytes;
    const served = headers.get("x-repo-commit");
    if (etag === undefined || sizeBytes === undefined || (served !== null && served !== commit)) {
      throw new HubError(
        "integrity",
        `The hub does not say what ${path} of ${repo} must be: expected a usable ETag, a size and commit ${commit}. ` +
          "Nothing was downloaded. Check that HF_ENDPOINT is a Hugging Face hub.",
        { details: { ...subject, served } },
      );
    }
    return { repo, commit, path, url, etag, sizeBytes };
  });
}

/** The ETag without its quotes; undefined when it could not be a file name (CWE-22). */
function blobName(etag: string | null): string | undefined {
  const name = etag?.replace(/^W\//, "").replace(/^"|"$/g, "");
  return name !== undefined && /^[A-Za-z0-9][A-Za-z0-9_-]{7,127}$/.test(name) ? name : undefined;
}
