import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { MediaProblem } from "../media-problem.ts";
import { checkUrl } from "./check-url.ts";
import { pinnedLookup, type Resolver, systemResolver } from "./pinned-lookup.ts";

/** Redirects that are followed, each checked like the first address. */
const MAX_REDIRECTS = 3;

/** Most time a download takes, redirects included (CWE-400). */
const MAX_MILLISECONDS = 30_000;

const REDIRECTS: readonly (number | undefined)[] = [301, 302, 303, 307, 308];

/** What a download may do. */
export interface DownloadLimits {
  readonly maxBytes: number;
  /** Hosts of private networks and this machine are allowed. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly resolver?: Resolver | undefined;
}

/** What came. */
export interface Downloaded {
  readonly bytes: Uint8Array;
  /** As the server declares it. */
  readonly mimeType: string | undefined;
}

/**
 * Fetches a file over http or https, guarded: no credentials are sent, no proxy or private host is reached, and size,
 * time and redirects are limited.
 *
 * @throws {MediaProblem} when the address is refused or the download fails; the signal's reason when it fires
 */
export async function download(url: URL, limits: DownloadLimits): Promise<Downloaded> {
  const { signal, timeoutMs = MAX_MILLISECONDS } = limits;
  const time = AbortSignal.timeout(timeoutMs);
  const both = signal === undefined ? time : AbortSignal.any([signal, time]);
  try {
    return await follow(url, limits, both);
  } catch (error) {
    signal?.throwIfAborted();
    if (time.aborted)
      throw new MediaProblem(`its download took longer than ${timeoutMs} ms`, { retryable: true });
    if (error instanceof MediaProblem) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new MediaProblem(`its download failed: ${code ?? message}`, { cause: error, retryable: true });
  }
}

async function follow(start: URL, limits: DownloadLimits, signal: AbortSignal): Promise<Downloaded> {
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    checkUrl(url, limits.allowPrivate);
    const response = await open(url, limits, signal);
    if (!REDIRECTS.includes(response.statusCode)) return receive(response, limits.maxBytes);
    response.destroy();
    url = target(response.headers.location, url);
  }
  throw new MediaProblem(`its address redirects more than ${MAX_REDIRECTS} times`);
}

function target(location: string | undefined, from: URL): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new MediaProblem("its address redirects to nowhere");
  }
  const url = new URL(location, from);
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw new MediaProblem("its address redirects from https to http");
  }
  return url;
}

function open(url: URL, limits: DownloadLimits, signal: AbortSignal): Promise<IncomingMessage> {
  const { resolver = systemResolver, allowPrivate } = limits;
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    request(url, {
      agent: false, // a connection of its own, made after its address was checked
      lookup: pinnedLookup(resolver, allowPrivate),
      headers: { accept: "*/*", "accept-encoding": "identity", "user-agent": "abstractllm" },
      signal,
    })
      .on("response", resolve)
      .on("error", reject)
      .end();
  });
}

async function receive(response: IncomingMessage, maxBytes: number): Promise<Downloaded> {
  const { statusCode = 0, headers } = response;
  try {
    if (statusCode !== 200) {
      throw new MediaProblem(`its server answers with status ${statusCode}`, {
        retryable: statusCode >= 500,
      });
    }
    const encoding = headers["content-encoding"] ?? "identity";
    if (encoding !== "identity")
      throw new MediaProblem(`its server sends it compressed (${encoding}) unasked`);
    if (Number(headers["content-length"] ?? 0) > maxBytes) throw tooLong(maxBytes);
    return { bytes: await collect(response, maxBytes), mimeType: headers["content-type"] };
  } finally {
    response.destroy();
  }
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLong(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

const tooLong = (maxBytes: number): MediaProblem =>
  new MediaProblem(`it has more than the ${maxBytes} bytes that are read`);
