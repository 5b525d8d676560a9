import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a fault sees of a request, and how it answers instead of the hub. */
export interface FakeExchange {
  /** `listing` and `file` are the hub's own, `cdn` is the other origin large files are redirected to. */
  route: "listing" | "file" | "cdn" | "other";
  /** Path of the file in its repository, for `file` and `cdn`. */
  file: string;
  request: IncomingMessage;
  response: ServerResponse;
  content: Buffer;
}

/** Returns true when it has taken the request over. */
export type Fault = (exchange: FakeExchange) => boolean;

export interface SeenRequest {
  origin: "hub" | "cdn";
  method: string;
  path: string;
  authorization: string | undefined;
  range: string | undefined;
}

interface FakeRepo {
  commits: Map<string, Map<string, Buffer>>;
  refs: Map<string, string>;
}

const LFS_BYTES = 1000;

/** A Hugging Face hub and its CDN on two loopback ports, speaking the real protocol, with faults on demand. */
export class FakeHub {
  readonly requests: SeenRequest[] = [];
  /** Requests that a fault took over. */
  faulted = 0;
  readonly #repos = new Map<string, FakeRepo>();
  readonly #hub: Server;
  readonly #cdn: Server;
  #faults: Fault[] = [];

  private constructor() {
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => this.#answerCdn(request, response));
  }

  static async start(): Promise<FakeHub> {
    const fake = new FakeHub();
    for (const server of [fake.#hub, fake.#cdn]) {
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    }
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  get cdnEndpoint(): string {
    return `http://127.0.0.1:${(this.#cdn.address() as AddressInfo).port}`;
  }

  /** Publishes a commit; the branch then stands for it. Returns the commit's hash. */
  publish(repo: string, files: Readonly<Record<string, string | Buffer>>, branch = "main"): string {
    const contents = new Map(Object.entries(files).map(([name, data]) => [name, Buffer.from(data)]));
    const commit = sha1([repo, ...[...contents].flatMap(([name, data]) => [name, sha1(data)])].join("\n"));
    const entry = this.#repos.get(repo) ?? { commits: new Map(), refs: new Map() };
    entry.commits.set(commit, contents);
    entry.refs.set(branch, commit);
    this.#repos.set(repo, entry);
    return commit;
  }

  /** Adds a fault; it answers before the hub does, the first added first. */
  inject(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  /** Takes all faults away and forgets the requests seen. */
  heal(): void {
    this.#faults = [];
    this.faulted = 0;
    this.requests.length = 0;
  }

  /** GET requests that asked for a file's bytes where they are. */
  transfers(): SeenRequest[] {
    return this.requests.filter(
      ({ origin, method, path }) =>
        method === "GET" && (origin === "cdn" || (path.includes("/resolve/") && !this.#isLarge(path))),
    );
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }
  }

  #isLarge(path: string): boolean {
    const match = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    return ((match && this.#find(match[1], match[2], match[3])?.length) || 0) >= LFS_BYTES;
  }

  #commit(repo: FakeRepo, revision: string): string | undefined {
    return repo.commits.has(revision) ? revision : repo.refs.get(revision);
  }

  #find(repo = "", revision = "", file = ""): Buffer | undefined {
    const entry = this.#repos.get(repo);
    const commit = entry && this.#commit(entry, decodeURIComponent(revision));
    return commit === undefined ? undefined : entry?.commits.get(commit)?.get(decodeURIComponent(file));
  }

  #record(origin: SeenRequest["origin"], request: IncomingMessage): string {
    const path = request.url ?? "/";
    const { authorization, range } = request.headers;
    this.requests.push({ origin, method: request.method ?? "", path, authorization, range });
    return path.split("?")[0] ?? "/";
  }

  #faulty(exchange: FakeExchange): boolean {
    const taken = this.#faults.some((fault) => fault(exchange));
    if (taken) this.faulted += 1;
    return taken;
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const path = this.#record("hub", request);
    const listing = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)(?:\/.*)?$/.exec(path);
    const file = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const base = { request, response, content: Buffer.alloc(0) };
    if (listing) {
      if (this.#faulty({ ...base, route: "listing", file: "" })) return;
      this.#answerListing(response, listing[1] ?? "", decodeURIComponent(listing[3] ?? ""), listing[2]);
    } else if (file) {
      const content = this.#find(file[1], file[2], file[3]);
      const name = decodeURIComponent(file[3] ?? "");
      if (this.#faulty({ ...base, route: "file", file: name, content: content ?? base.content })) return;
      this.#answerFile(request, response, file[1] ?? "", file[2] ?? "", content);
    } else if (!this.#faulty({ ...base, route: "other", file: "" })) {
      refuse(response, 404);
    }
  }

  #answerListing(response: ServerResponse, repo: string, revision: string, kind: string | undefined): void {
    const entry = this.#repos.get(repo);
    if (!entry) {
      refuse(response, 401, "RepoNotFound", "Repository not found");
      return;
    }
    const commit = this.#commit(entry, revision);
    if (commit === undefined) {
      refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
      return;
    }
    const files = [...(entry.commits.get(commit) ?? [])];
    const lfs = (data: Buffer) => ({
      sha256: sha256(data),
      oid: sha256(data),
      size: data.length,
      pointerSize: 130,
    });
    const body =
      kind === "tree"
        ? files.map(([path, data]) => ({
            type: "file",
            path,
            size: data.length,
            oid: gitHash(data),
            ...(data.length >= LFS_BYTES ? { lfs: lfs(data) } : {}),
          }))
        : {
            _id: "1",
            id: repo,
            modelId: repo,
            sha: commit,
            private: false,
            siblings: files.map(([rfilename, data]) => ({
              rfilename,
              size: data.length,
              blobId: gitHash(data),
              ...(data.length >= LFS_BYTES ? { lfs: lfs(data) } : {}),
            })),
          };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(body));
  }

  #answerFile(
    request: IncomingMessage,
    response: ServerResponse,
    repo: string,
    revision: string,
    content: Buffer | undefined,
  ): void {
    const entry = this.#repos.get(repo);
    if (!entry) {
      refuse(response, 401, "RepoNotFound", "Repository not found");
      return;
    }
    if (!content) {
      refuse(response, 404, "EntryNotFound", "Entry not found");
      return;
    }
    response.setHeader("x-repo-commit", this.#commit(entry, decodeURIComponent(revision)) ?? "");
    response.setHeader("accept-ranges", "bytes");
    if (content.length < LFS_BYTES) {
      response.setHeader("etag", `"${gitHash(content)}"`);
      sendRange(request, response, content);
      return;
    }
    response.setHeader("x-linked-etag", `"${sha256(content)}"`);
    response.setHeader("x-linked-size", String(content.length));
    response.statusCode = 302;
    response.setHeader(
      "location",
      `${this.cdnEndpoint}/${sha256(content)}/${(request.url ?? "").split("/resolve/")[1]}?Signature=secret`,
    );
    response.end("Found. Redirecting.");
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): void {
    const [, hash, , ...name] = this.#record("cdn", request).split("/");
    const content = [...this.#repos.values()]
      .flatMap((repo) => [...repo.commits.values()].flatMap((files) => [...files.values()]))
      .find((data) => sha256(data) === hash);
    const exchange = { request, response, content: content ?? Buffer.alloc(0) };
    if (this.#faulty({ ...exchange, route: "cdn", file: decodeURIComponent(name.join("/")) })) return;
    if (!content) {
      refuse(response, 403);
      return;
    }
    response.setHeader("etag", `"${sha1(content)}"`);
    sendRange(request, response, content);
  }
}

/** Sends the bytes a Range header asks for, or all of them. */
export function sendRange(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = range ? Number(range[1]) : 0;
  if (range && start >= content.length) {
    response.setHeader("content-range", `bytes */${content.length}`);
    refuse(response, 416);
    return;
  }
  const end = range?.[2] ? Math.min(Number(range[2]) + 1, content.length) : content.length;
  if (range) {
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${start}-${end - 1}/${content.length}`);
  }
  response.setHeader("content-length", end - start);
  response.end(request.method === "HEAD" ? undefined : content.subarray(start, end));
}

/** Answers with an error the way the hub does. */
export function refuse(response: ServerResponse, status: number, code?: string, message?: string): void {
  response.statusCode = status;
  if (code !== undefined) response.setHeader("x-error-code", code);
  if (message !== undefined) response.setHeader("x-error-message", message);
  response.end(message === undefined ? "" : JSON.stringify({ error: message }));
}

export function sha256(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function sha1(data: Buffer | string): string {
  return createHash("sha1").update(data).digest("hex");
}

/** The hash git gives a file: the ETag of small files. */
export function gitHash(data: Buffer): string {
  return createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex");
}
