import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HubError } from "../../src/errors.ts";
import type { DownloadProgress } from "../../src/hub/index.ts";
import {
  expectNothingCorrupt,
  expectWhole,
  IMPATIENT,
  leftovers,
  list,
  MODEL_FILES,
  newCache,
  pull,
  randomBytes,
  removeCaches,
  TOKEN,
  WANTED,
  WEIGHTS,
} from "./hub-bench.ts";
import { type FakeExchange, FakeHub, sha256 } from "./hub-fake.ts";
import * as faults from "./hub-faults.ts";

const { fault, onBytes, onHead, onListing } = faults;
const WEIGHTS_FILE = "model.safetensors";
let hub: FakeHub;

beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(async () => {
  await hub.close();
  removeCaches();
});
beforeEach(() => {
  hub.heal();
  hub.publish("org/model", MODEL_FILES);
});

async function failure(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

describe("a download", () => {
  it("brings the files mlx-lm takes, without code, and a second call transfers nothing", async () => {
    const cache = newCache();
    const model = await pull(hub, cache);
    expect(model.files).toEqual(WANTED);
    expect(model.fromCache).toBe(false);
    expectWhole(model, MODEL_FILES);
    expect(list(model.path).sort()).toEqual(WANTED);
    hub.heal();
    const again = await pull(hub, cache);
    expect(again).toEqual({ ...model, fromCache: true });
    expect(hub.requests.map(({ path }) => path)).toEqual([expect.stringContaining("/revision/main")]);
  });

  it("reports progress that begins with what is to come and ends with all bytes", async () => {
    const seen: DownloadProgress[] = [];
    await pull(hub, newCache(), "org/model", { onProgress: (progress) => seen.push(progress) });
    const total = WANTED.reduce(
      (sum, name) => sum + Buffer.from(MODEL_FILES[name as "config.json"]).length,
      0,
    );
    expect(seen[0]).toMatchObject({ receivedBytes: 0, allReceivedBytes: 0, allTotalBytes: total });
    expect(seen.at(-1)).toMatchObject({ allReceivedBytes: total, allTotalBytes: total });
    expect(seen.filter(({ file }) => file === WEIGHTS_FILE).length).toBeGreaterThan(2);
  });

  it("takes at most four files at once", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`part-${i}.json`, randomBytes(2000, i)]),
    );
    hub.publish("org/many", files);
    let open = 0;
    let most = 0;
    hub.inject((exchange) => {
      if (exchange.route !== "cdn") return false;
      most = Math.max(most, ++open);
      exchange.response.on("close", () => --open);
      faults.drip(1000, 10)(exchange);
      return true;
    });
    await pull(hub, newCache(), "org/many", { allowPatterns: ["*.json"] });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
  });

  it("keeps both revisions and shares their blobs", async () => {
    const cache = newCache();
    const first = await pull(hub, cache);
    hub.publish("org/model", { ...MODEL_FILES, "config.json": '{"model_type":"qwen2"}' });
    hub.requests.length = 0;
    const second = await pull(hub, cache);
    expect(second.revision).not.toBe(first.revision);
    expect(hub.transfers()).toHaveLength(1);
    expectWhole(second, { ...MODEL_FILES, "config.json": '{"model_type":"qwen2"}' });
    expectWhole(first, MODEL_FILES);
    hub.publish("org/model", MODEL_FILES);
  });
});

/** Faults that pass: the file must be whole at the end. */
const PASSING: [string, () => void, env?: typeof IMPATIENT][] = [
  [
    "429 with Retry-After",
    () => hub.inject(fault(onListing, 1, faults.status(429, { "retry-after": "0.01" }))),
  ],
  [
    "429 on the bytes",
    () => hub.inject(fault(onBytes(WEIGHTS_FILE), 2, faults.status(429, { "retry-after": "0" }))),
  ],
  ["500 twice on the listing", () => hub.inject(fault(onListing, 2, faults.status(500)))],
  ["503 twice on the metadata", () => hub.inject(fault(onHead(WEIGHTS_FILE), 2, faults.status(503)))],
  ["500 twice on the bytes", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 2, faults.status(500)))],
  ["408 on the bytes", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.status(408)))],
  ...Array.from({ length: 20 }, (_, i): [string, () => void] => {
    const at = Math.floor((i * WEIGHTS.length) / 19) - (i === 19 ? 1 : 0);
    return [`a reset at byte ${at}`, () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.resetAt(at)))];
  }),
  ["a reset every 70,000 bytes", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.resetAt(70_000)))],
  ["resets of a small file", () => hub.inject(fault(onBytes("config.json"), 3, faults.resetAt(5)))],
  [
    "a reset, then a server that ignores Range",
    () =>
      hub.inject(
        fault(onBytes(WEIGHTS_FILE), 1, faults.resetAt(100_000)),
        fault(onBytes(WEIGHTS_FILE), 1, faults.ignoreRange),
      ),
  ],
  [
    "a reset, then a wrong Content-Range",
    () =>
      hub.inject(
        fault(onBytes(WEIGHTS_FILE), 1, faults.resetAt(100_000)),
        fault(onBytes(WEIGHTS_FILE), 1, faults.wrongRange),
      ),
  ],
  ["a 206 nobody asked for", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.wrongRange))],
  [
    "other bytes under another ETag after a reset",
    () =>
      hub.inject(
        fault(onBytes(WEIGHTS_FILE), 1, (exchange) => {
          exchange.response.setHeader("etag", '"first"');
          faults.resetAt(100_000)(exchange);
        }),
        fault(onBytes(WEIGHTS_FILE), 1, faults.otherBytes('"second"')),
      ),
  ],
  [
    "other bytes under the same ETag after a reset",
    () =>
      hub.inject(
        fault(onBytes(WEIGHTS_FILE), 1, faults.resetAt(100_000)),
        fault(onBytes(WEIGHTS_FILE), 1, faults.otherBytes()),
      ),
  ],
  ["damaged bytes once", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.otherBytes()))],
  ["a damaged small file once", () => hub.inject(fault(onBytes("config.json"), 1, faults.otherBytes()))],
  ["a short body", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.shortBody(1234)))],
  ["a body that is too long once", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.longBody))],
  ["a server that hangs once", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.hang)), IMPATIENT],
  ["a listing that hangs once", () => hub.inject(fault(onListing, 1, faults.hang)), IMPATIENT],
  [
    "a stall in the middle",
    () => hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.stallAt(50_000))),
    IMPATIENT,
  ],
  ["a slow drip", () => hub.inject(fault(onBytes("config.json"), 1, faults.drip(1, 20))), IMPATIENT],
];

/** Faults that stay: a clean error with this code, and nothing corrupt to be seen. */
const LASTING: [string, HubError["code"], () => void, env?: typeof IMPATIENT][] = [
  ["429 for ever", "network", () => hub.inject(fault(onListing, 99, faults.status(429)))],
  [
    "a Retry-After of an hour",
    "network",
    () => hub.inject(fault(onListing, 1, faults.status(429, { "retry-after": "3600" }))),
  ],
  ["500 for ever", "network", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.status(500)))],
  ["418", "network", () => hub.inject(fault(onHead(WEIGHTS_FILE), 99, faults.status(418)))],
  [
    "resets before any progress",
    "network",
    () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.resetAt(0))),
  ],
  [
    "short bodies for ever",
    "network",
    () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.shortBody(1234))),
  ],
  ["too much for ever", "integrity", () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.longBody))],
  [
    "damaged bytes for ever",
    "integrity",
    () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.otherBytes())),
  ],
  [
    "wrong ranges for ever",
    "integrity",
    () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.wrongRange)),
  ],
  [
    "a server that hangs for ever",
    "network",
    () => hub.inject(fault(onBytes(WEIGHTS_FILE), 99, faults.hang)),
    IMPATIENT,
  ],
  [
    "redirects in circles",
    "network",
    () => hub.inject(fault(onListing, 99, faults.redirectTo("/api/models/org/model/revision/main"))),
  ],
  [
    "a redirect to a file",
    "network",
    () => hub.inject(fault(onListing, 1, faults.redirectTo("file:///etc/passwd"))),
  ],
  [
    "a redirect with a password",
    "network",
    () => hub.inject(fault(onListing, 1, faults.redirectTo("http://a:b@localhost/"))),
  ],
  [
    "a listing that is no JSON",
    "network",
    () => hub.inject(fault(onListing, 1, ({ response }) => void response.end("<html>"))),
  ],
  [
    "a listing without a commit",
    "network",
    () =>
      hub.inject(fault(onListing, 1, ({ response }) => void response.end('{"sha":"../x","siblings":[]}'))),
  ],
  ["401", "gated", () => hub.inject(fault(onHead(WEIGHTS_FILE), 1, faults.status(401)))],
  ["403", "gated", () => hub.inject(fault(onHead(WEIGHTS_FILE), 1, faults.status(403)))],
  [
    "a gated file",
    "gated",
    () => hub.inject(fault(onHead(WEIGHTS_FILE), 1, faults.status(403, { "x-error-code": "GatedRepo" }))),
  ],
  [
    "a gated listing",
    "gated",
    () => hub.inject(fault(onListing, 1, faults.status(401, { "x-error-code": "GatedRepo" }))),
  ],
  [
    "404 for a listed file",
    "model-not-found",
    () => hub.inject(fault(onHead(WEIGHTS_FILE), 1, faults.status(404, { "x-error-code": "EntryNotFound" }))),
  ],
  ["404 for the repository", "model-not-found", () => hub.inject(fault(onListing, 1, faults.status(404)))],
  [
    "an ETag that is a path",
    "integrity",
    () => hub.inject(fault(onHead(WEIGHTS_FILE), 9, faults.status(200, { etag: '"../../../../evil"' }))),
  ],
  [
    "another commit",
    "integrity",
    () =>
      hub.inject(
        fault(
          onHead(WEIGHTS_FILE),
          9,
          faults.status(200, { etag: `"${"a".repeat(40)}"`, "x-repo-commit": "b".repeat(40) }),
        ),
      ),
  ],
];

describe("a fault that passes still gives the whole file:", () => {
  it.each(PASSING)("%s", async (_, inject, env = {}) => {
    inject();
    const cache = newCache();
    expectWhole(await pull(hub, cache, "org/model", { env }), MODEL_FILES);
    expectNothingCorrupt(cache);
    expect(hub.faulted).toBeGreaterThan(0);
  });
});

describe("a fault that stays is a clean error, and the next run repairs:", () => {
  it.each(LASTING)("%s", async (_, code, inject, env = {}) => {
    inject();
    const cache = newCache();
    const error = await failure(pull(hub, cache, "org/model", { token: TOKEN, env }));
    expect(error.code).toBe(code);
    expect(hub.faulted).toBeGreaterThan(0);
    expect(error.message).not.toMatch(/hf_SECRET|Signature|undefined|\[object/);
    expectNothingCorrupt(cache);
    const root = join(cache, "models--org--model");
    expect(list(join(root, "snapshots")), "a snapshot is whole or not there").toEqual([]);
    expect(list(join(root, "refs"))).toEqual([]);
    hub.heal();
    expectWhole(await pull(hub, cache), MODEL_FILES);
  });
});

describe("resuming", () => {
  it("asks for the missing bytes alone, in the next call too", async () => {
    const cache = newCache();
    hub.inject(
      fault(onBytes(WEIGHTS_FILE), 1, faults.resetAt(120_000)),
      fault(onBytes(WEIGHTS_FILE), 99, faults.resetAt(0)),
    );
    expect((await failure(pull(hub, cache))).code).toBe("network");
    const root = join(cache, "models--org--model");
    const [partial = ""] = leftovers(root);
    const kept = readFileSync(join(root, "blobs", partial));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.equals(WEIGHTS.subarray(0, kept.length))).toBe(true);
    hub.heal();
    expectWhole(await pull(hub, cache), MODEL_FILES);
    const weights = hub.transfers().filter(({ path }) => path.includes(WEIGHTS_FILE));
    expect(weights.map(({ range }) => range)).toEqual([`bytes=${kept.length}-`]);
  });

  it("starts over when what was kept is bad", async () => {
    const cache = newCache();
    hub.inject(
      fault(onBytes(WEIGHTS_FILE), 1, (exchange) =>
        faults.resetAt(120_000)({ ...exchange, content: Buffer.alloc(WEIGHTS.length, 9) }),
      ),
      fault(onBytes(WEIGHTS_FILE), 99, faults.resetAt(0)),
    );
    await failure(pull(hub, cache));
    expect(leftovers(join(cache, "models--org--model"))).not.toEqual([]);
    hub.heal();
    expectWhole(await pull(hub, cache), MODEL_FILES);
  });

  it.each([
    ["a server that ignores Range", faults.ignoreRange],
    ["a wrong Content-Range", faults.wrongRange],
    ["another ETag", faults.otherBytes('"other"')],
  ])("never mixes %s into what is there", async (_, act) => {
    const firstAnswer = (exchange: FakeExchange) => {
      exchange.response.setHeader("etag", '"first"');
      faults.resetAt(200_000)(exchange);
    };
    hub.inject(fault(onBytes(WEIGHTS_FILE), 1, firstAnswer), fault(onBytes(WEIGHTS_FILE), 1, act));
    expectWhole(await pull(hub, newCache()), MODEL_FILES);
    // a second look at the metadata would mean that only the hash gave it away
    const heads = hub.requests.filter(({ method, path }) => method === "HEAD" && path.includes(WEIGHTS_FILE));
    expect(heads).toHaveLength(1);
  });

  it("an abort in the middle keeps what arrived and is no other error", async () => {
    const cache = newCache();
    const controller = new AbortController();
    hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.stallAt(80_000)));
    const error = await failure(
      pull(hub, cache, "org/model", {
        signal: controller.signal,
        onProgress: ({ file, receivedBytes }) => {
          if (file === WEIGHTS_FILE && receivedBytes >= 60_000) controller.abort(new Error("enough"));
        },
      }),
    );
    expect(error.code).toBe("aborted");
    expect(error.cause).toEqual(new Error("enough"));
    expectNothingCorrupt(cache);
    expect(list(join(cache, ".locks", "models--org--model"))).toEqual([]);
    hub.heal();
    expectWhole(await pull(hub, cache), MODEL_FILES);
    expect(hub.transfers().find(({ path }) => path.includes(WEIGHTS_FILE))?.range).toMatch(
      /^bytes=[1-9]\d+-$/,
    );
  });

  it("refuses an aborted signal before any request", async () => {
    const error = await failure(pull(hub, newCache(), "org/model", { signal: AbortSignal.abort() }));
    expect(error.code).toBe("aborted");
    expect(hub.requests).toEqual([]);
  });
});

describe("the token", () => {
  it("goes to the hub and never to another origin", async () => {
    await pull(hub, newCache(), "org/model", { token: TOKEN });
    const seen = (origin: string) =>
      new Set(
        hub.requests.filter((request) => request.origin === origin).map(({ authorization }) => authorization),
      );
    expect(seen("hub")).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(seen("cdn")).toEqual(new Set([undefined]));
  });

  it("does not come back after a detour over another origin", async () => {
    const target = `${hub.endpoint}/api/models/org/model/revision/main?again`;
    let detours = 0;
    hub.inject(
      ({ request, response }) => {
        if (request.url?.includes("again") || request.url?.includes("detour") || detours > 0) return false;
        detours += 1;
        faults.redirectTo(`${hub.cdnEndpoint}/detour`)({ response } as never);
        return true;
      },
      ({ request, response }) => {
        if (!request.url?.includes("detour")) return false;
        faults.redirectTo(target)({ response } as never);
        return true;
      },
    );
    await pull(hub, newCache(), "org/model", { token: TOKEN });
    const back = hub.requests.find(({ path }) => path.includes("again"));
    expect(back).toBeDefined();
    expect(back?.authorization).toBeUndefined();
  });

  it("follows a renamed repository on the same hub, with the token", async () => {
    hub.publish("new/name", MODEL_FILES);
    const rename = ({ request, response }: { request: { url?: string | undefined }; response: unknown }) => {
      if (!request.url?.includes("old/name")) return false;
      faults.redirectTo(request.url.replace("old/name", "new/name"))({ response } as never);
      return true;
    };
    hub.inject(rename as never);
    const cache = newCache();
    const model = await pull(hub, cache, "old/name", { token: TOKEN });
    expectWhole(model, MODEL_FILES);
    expect(model.path).toContain("models--old--name");
  });
});

describe("a hostile hub", () => {
  const NAMES = [
    "../evil.json",
    "a/../../evil.json",
    "/etc/evil.json",
    "a//evil.json",
    "./evil.json",
    "C:\\evil.json",
    "a\\..\\evil.json",
    "C:evil.json",
    "nul\0evil.json",
    "line\nbreak.json",
    "CON.json",
    "a/aux/evil.json",
    "com1.json",
    "dot./evil.json",
    "blank /evil.json",
    `${"x".repeat(300)}.json`,
    `${"deep/".repeat(250)}evil.json`,
    "",
  ];

  it.each(NAMES)("cannot name a file %j", async (name) => {
    hub.publish("org/evil", { "config.json": "{}", [name]: "evil" });
    const cache = newCache();
    const error = await failure(pull(hub, cache, "org/evil", { allowPatterns: ["*"] }));
    expect(error.code).toBe("integrity");
    expect(list(cache)).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach a terminal
    expect(error.message).not.toMatch(/[\x00-\x1f]/);
  });

  it("cannot name one file in two normal forms", async () => {
    hub.publish("org/evil", { "caf\u00e9.json": "a", "cafe\u0301.json": "b" });
    const error = await failure(pull(hub, newCache(), "org/evil", { allowPatterns: ["*"] }));
    expect(error.code).toBe("integrity");
  });

  it("cannot flood the memory with a listing", async () => {
    hub.inject(
      fault(onListing, 9, ({ response }) => {
        const chunk = "x".repeat(65_536);
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on("drain", more);
        more();
      }),
    );
    const error = await failure(
      pull(hub, newCache(), "org/model", { limits: { maxListingBytes: 1_000_000 } }),
    );
    expect(error.message).toContain("larger than 1000000 bytes");
  });
});

describe("two downloads of the same model at once", () => {
  it("make one transfer, and both see it come", async () => {
    const cache = newCache();
    hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.drip(20_000, 10)));
    const seen: [Set<number>, Set<number>] = [new Set(), new Set()];
    const models = await Promise.all(
      seen.map((bytes) =>
        pull(hub, cache, "org/model", {
          onProgress: ({ file, receivedBytes }) => {
            if (file === WEIGHTS_FILE) bytes.add(receivedBytes);
          },
        }),
      ),
    );
    for (const model of models) expectWhole(model, MODEL_FILES);
    for (const bytes of seen) expect(bytes.size).toBeGreaterThan(3);
    expect(hub.transfers().filter(({ path }) => path.includes(WEIGHTS_FILE))).toHaveLength(1);
  });
});

describe("two files with the same content", () => {
  it("are transferred once", async () => {
    const same = randomBytes(2000, 3);
    hub.publish("org/twins", { "a.json": same, "b.json": same });
    const model = await pull(hub, newCache(), "org/twins", { allowPatterns: ["*.json"] });
    expectWhole(model, { "a.json": same, "b.json": same });
    expect(hub.transfers().filter(({ path }) => path.includes(sha256(same)))).toHaveLength(1);
  });
});
