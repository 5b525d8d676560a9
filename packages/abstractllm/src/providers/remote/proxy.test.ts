import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { TEST_CERTIFICATE } from "../../../test/services/certificate.ts";
import { InvalidParameterError } from "../../errors/index.ts";
import { sendRequest } from "./http-client.ts";
import { chooseProxy } from "./proxy.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A proxy that notes what it is asked, and passes it on. */
async function startProxy() {
  const seen: string[] = [];
  const note = (request: IncomingMessage) =>
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
  const proxy = createServer((request, response) => {
    note(request);
    response.end("by proxy");
  });
  proxy.on("connect", (request, socket) => {
    note(request);
    const [host, port] = (request.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) end.on("error", () => {});
  });
  return { seen, port: await listen(proxy) };
}

const get = (url: string, proxy: string) =>
  sendRequest(
    { method: "GET", url: new URL(url), headers: { authorization: "Bearer k" } },
    { proxyFor: (target) => chooseProxy(target, proxy, {}) },
    new AbortController().signal,
  );

describe("a proxy", () => {
  test("gets the whole URL of http requests, and its own credentials", async () => {
    const proxy = await startProxy();
    const response = await get("http://service.example/v1/x?y=1", `http://me:p%40ss@127.0.0.1:${proxy.port}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("by proxy");
    expect(proxy.seen).toEqual([`GET http://service.example/v1/x?y=1 Basic ${btoa("me:p@ss")}`]);
  });

  test("makes tunnels for https requests, in which the certificate is still the service's to show", async () => {
    const proxy = await startProxy();
    const port = await listen(createTlsServer(TEST_CERTIFICATE, (_, response) => response.end()) as Server);
    const error = await get(`https://127.0.0.1:${port}/v1`, `http://127.0.0.1:${proxy.port}`).catch((e) => e);
    expect(error.code).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    expect(proxy.seen).toEqual([`CONNECT 127.0.0.1:${port} -`]);
  });

  test("that refuses, or is not there, is named", async () => {
    const refusing = createServer();
    refusing.on("connect", (_, socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"));
    const port = await listen(refusing);
    await expect(get("https://service.example/", `http://127.0.0.1:${port}`)).rejects.toThrow("(HTTP 407)");
    refusing.closeAllConnections();
    await new Promise((resolve) => refusing.close(resolve));
    await expect(get("https://service.example/", `http://127.0.0.1:${port}`)).rejects.toThrow(
      "proxy could not be reached",
    );
  });

  test.each(["socks5://127.0.0.1:1", "nonsense"])("must be an http or https URL, not %j", (proxy) => {
    expect(() => chooseProxy(new URL("http://a.example"), proxy, {})).toThrow(InvalidParameterError);
  });
});

describe("the environment", () => {
  const environment = {
    HTTPS_PROXY: "http://secure:1",
    HTTP_PROXY: "plain:2",
    NO_PROXY: "skip.example, .inner.example,port.example:444,*.star.example",
  };
  const isProxied = (url: string, variables: Record<string, string> = environment) =>
    chooseProxy(new URL(url), undefined, variables) !== undefined;

  test.each([
    ["https://a.example", true],
    ["http://a.example", true],
    ["https://skip.example", false],
    ["https://below.skip.example", false],
    ["https://notskip.example", true],
    ["https://inner.example", false],
    ["https://x.inner.example", false],
    ["https://port.example", true],
    ["https://port.example:444", false],
    ["https://x.star.example", false],
    ["http://localhost:11434", false],
    ["http://127.0.0.1:1", false],
    ["http://[::1]:1", false],
  ])("for %s: %j", (url, expected) => {
    expect(isProxied(url)).toBe(expected);
  });

  test("of lower-case names counts first, and * exempts everything", () => {
    expect(isProxied("https://a.example", { https_proxy: "http://x:1" })).toBe(true);
    expect(isProxied("https://a.example", { ...environment, no_proxy: "*" })).toBe(false);
    expect(isProxied("https://a.example", {})).toBe(false);
  });
});
