import { afterEach, describe, expect, test } from "vitest";
import { createServer, type ModelServer, type ServerOptions } from "../../src/index.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { raw, rawRequest, statusOf } from "../support/raw-request.ts";
import { ScriptedLLM } from "../support/scripted-llm.ts";

const KEY = "correct horse battery";

let server: ModelServer | undefined;
afterEach(() => server?.close(0));

async function serve(options: ServerOptions = {}): Promise<string> {
  server = createServer({ port: 0, models: { m: new ScriptedLLM() }, ...options });
  return server.listen();
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const chat = JSON.stringify({ model: "m", messages: [{ role: "user", content: "x" }] });

describe("the key", () => {
  test("is asked for at every address but /health", async () => {
    const origin = await serve({ apiKey: KEY });
    for (const { method, path } of ROUTES) {
      const { status } = await fetch(origin + path.replace("*", "m"), { method });
      expect([path, status]).toEqual([path, path === "/health" ? 200 : 401]);
    }
    expect((await fetch(`${origin}/no/such/address`)).status).toBe(401);
  });

  test.each([
    ["no key", {}],
    ["another key", bearer("wrong")],
    ["its beginning", bearer(KEY.slice(0, -1))],
    ["more than it", bearer(`${KEY}y`)],
    ["a very long one", bearer("k".repeat(10_000))],
    ["another scheme", { authorization: `Basic ${KEY}` }],
    ["an empty one", { "x-api-key": "" }],
  ])("is not %s", async (_, headers: Record<string, string>) => {
    const origin = await serve({ apiKey: KEY });
    const answer = await fetch(`${origin}/v1/models`, { headers });
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain(KEY);
  });

  test.each([bearer(KEY), { "x-api-key": KEY }])("lets in %j", async (headers: Record<string, string>) => {
    const origin = await serve({ apiKey: KEY });
    expect((await fetch(`${origin}/v1/models`, { headers })).status).toBe(200);
  });

  test("is needed where others can reach the server, unless told otherwise", () => {
    const models = { m: new ScriptedLLM() };
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "example.org"]) {
      expect(() => createServer({ models, host })).toThrow("Others can reach");
      expect(() => createServer({ models, host, apiKey: KEY })).not.toThrow();
      expect(() => createServer({ models, host, allowPublic: true })).not.toThrow();
    }
  });
});

test("what an Object.prototype was polluted with is no option of a server", () => {
  const models = { m: new ScriptedLLM() };
  Object.assign(Object.prototype, { allowPublic: true, apiKey: "" });
  try {
    expect(() => createServer({ models, host: "0.0.0.0" })).toThrow("Others can reach");
  } finally {
    for (const name of ["allowPublic", "apiKey"]) Reflect.deleteProperty(Object.prototype, name);
  }
});

describe("a page of another site", () => {
  const hosts: [string, boolean][] = [
    ["127.0.0.1", true],
    ["127.0.0.1:8080", true],
    ["127.9.9.9", true],
    ["localhost", true],
    ["LOCALHOST:80", true],
    ["[::1]:8080", true],
    ["attacker.example", false],
    ["localhost.attacker.example", false],
    ["127.0.0.1.attacker.example", false],
    ["localhost.", false],
    ["127.1", false],
    ["0x7f.0.0.1", false],
    ["127.0.0.1@attacker.example", false],
    ["0.0.0.0", false],
    ["", false],
  ];
  test.each(hosts)("whose name was made to lead here: %s passes: %s", async (host, passes) => {
    const origin = await serve();
    const answer = await raw(origin, rawRequest("GET", "/v1/models", { host }));
    expect(statusOf(answer)).toBe(passes ? 200 : 403);
  });

  test("may have a name of this server's", async () => {
    const origin = await serve({ allowedHosts: ["models.home"] });
    const ask = (host: string) => raw(origin, rawRequest("GET", "/v1/models", { host }));
    expect(statusOf(await ask("models.home:8080"))).toBe(200);
    expect(statusOf(await ask("other.home"))).toBe(403);
  });

  test("cannot ask, not even with what browsers send without asking first", async () => {
    const origin = await serve();
    for (const from of ["https://attacker.example", "null"]) {
      for (const type of ["text/plain", "application/json"]) {
        const headers = { origin: from, "content-type": type };
        const answer = await fetch(`${origin}/v1/chat/completions`, { method: "POST", headers, body: chat });
        expect(answer.status).toBe(403);
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      }
    }
  });

  test("can ask where it is allowed to", async () => {
    const site = "https://ui.example";
    const origin = await serve({ cors: [site], apiKey: KEY });
    const headers = { origin: site, "access-control-request-headers": "authorization,content-type" };
    const preflight = await fetch(`${origin}/v1/chat/completions`, { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(site);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
    const answer = await fetch(`${origin}/v1/models`, { headers: { origin: site, ...bearer(KEY) } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, site]);
    const other = await fetch(`${origin}/v1/models`, {
      headers: { origin: "https://x.example", ...bearer(KEY) },
    });
    expect(other.status).toBe(403);
  });

  test("can ask from the server's own address", async () => {
    const origin = await serve();
    expect((await fetch(`${origin}/v1/models`, { headers: { origin } })).status).toBe(200);
  });
});

describe("a client", () => {
  const image = (url: string) =>
    JSON.stringify({
      model: "m",
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }],
    });

  test.each([
    "file:///etc/passwd",
    "/etc/passwd",
    "../secret.png",
    "ftp://example.org/x.png",
    "http://127.0.0.1:1/x.png",
    "http://169.254.169.254/latest",
    "http://[::1]/x.png",
    "http://localhost/x.png",
  ])("cannot have the server read %s", async (url) => {
    const llm = new ScriptedLLM();
    server = createServer({ port: 0, models: { m: llm } });
    const origin = await server.listen();
    const answer = await fetch(`${origin}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: image(url),
    });
    // what is an address reaches the provider, which must fetch it through the guard
    if (/^http/.test(url)) {
      const content = llm.calls[0]?.messages[0]?.content;
      const part = Array.isArray(content) ? content[0] : undefined;
      await expect(part?.type === "image" ? part.image.bytes() : undefined).rejects.toThrow();
    } else expect([answer.status, llm.calls.length]).toEqual([400, 0]);
  });

  test("has its path and key in no line of an answer", async () => {
    const origin = await serve({ apiKey: KEY });
    const answer = await raw(origin, rawRequest("GET", "/a%0d%0aset-cookie:%20x", bearer(KEY)));
    expect(statusOf(answer)).toBe(404);
    expect(answer).not.toMatch(/set-cookie|correct horse/);
  });
});
