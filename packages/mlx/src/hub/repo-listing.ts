import { HubError } from "../errors.ts";
import type { HubContext } from "./hub-context.ts";
import { hubRequest } from "./hub-request.ts";
import { throwIfAborted, withRetries } from "./retry.ts";
import { isCommit } from "./revision.ts";

/** A file as the hub lists it; the size is missing where a mirror does not tell it. */
export interface ListedFile {
  path: string;
  sizeBytes: number | undefined;
}

export interface RepoListing {
  /** The commit the revision stands for now. */
  commit: string;
  files: readonly ListedFile[];
}

/**
 * Asks the hub what a revision is and which files it has.
 *
 * @throws {HubError} `model-not-found`, `gated`, `network` or `aborted`
 */
export function fetchRepoListing(context: HubContext, repo: string, revision: string): Promise<RepoListing> {
  const { endpoint } = context.settings;
  const url = `${endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  return withRetries(context, async () => {
    const exchange = await hubRequest(context, { method: "GET", url, subject: { repo, revision } });
    const text: string[] = [];
    const decoder = new TextDecoder();
    let received = 0;
    for await (const chunk of exchange.chunks()) {
      received += chunk.byteLength;
      if (received > context.limits.maxListingBytes) {
        throw badListing(repo, endpoint, `is larger than ${context.limits.maxListingBytes} bytes`);
      }
      text.push(decoder.decode(chunk, { stream: true }));
    }
    throwIfAborted(context.signal);
    return parseListing(text.join("") + decoder.decode(), repo, endpoint);
  });
}

function parseListing(text: string, repo: string, endpoint: string): RepoListing {
  const listing = parseObject(text);
  const { sha, siblings } = listing ?? {};
  if (typeof sha !== "string" || !isCommit(sha)) throw badListing(repo, endpoint, "names no commit");
  if (!Array.isArray(siblings)) throw badListing(repo, endpoint, "lists no files");
  const files = siblings.map((entry: unknown): ListedFile => {
    const file = isObject(entry) ? entry : {};
    if (typeof file.rfilename !== "string") throw badListing(repo, endpoint, "has a file without a name");
    const size = file.size;
    const known = typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
    return { path: file.rfilename, sizeBytes: known ? size : undefined };
  });
  return { commit: sha, files };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function badListing(repo: string, endpoint: string, problem: string): HubError {
  return new HubError(
    "network",
    `The answer of ${endpoint} for ${repo} ${problem}. Check that HF_ENDPOINT is a Hugging Face hub.`,
    { details: { repo, endpoint } },
  );
}
