import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { download } from "../../src/media/download/download.ts";
import { isPrivateAddress } from "../../src/media/download/is-private-address.ts";
import { MediaProblem } from "../../src/media/media-problem.ts";

const limits = { maxBytes: 1000, allowPrivate: true };

let server: Server;
let origin = "";
let port = 0;
let connections = 0;
let answer: RequestListener = (_, response) => response.end("hello");

beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  server.on("connection", () => {
    connections++;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  origin = `http://127.0.0.1:${port}`;
});
beforeEach(() => {
  connections = 0;
  answer = (_, response) => response.end("hello");
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const text = ({ bytes }: { bytes: Uint8Array }) => new TextDecoder().decode(bytes);

describe("a private address", () => {
  test.each([
    ..."127.0.0.1 127.1 127.255.255.254 0.0.0.0 0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1".split(" "),
    ..."169.254.169.254 100.64.0.1 100.127.255.255 192.0.0.1 198.18.0.1 224.0.0.1 239.1.2.3 240.0.0.1".split(
      " ",
    ),
    ..."255.255.255.255 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. 0xa9fea9fe".split(
      " ",
    ),
    ..."[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:8.8.8.8] [::127.0.0.1] [fc00::1] [fd12::1]".split(
      " ",
    ),
    ..."[fe80::1] [fec0::1] [ff02::1] [64:ff9b::7f00:1] [64:ff9b:1::1] [2002:7f00:1::] [2001:db8::1]".split(
      " ",
    ),
    ..."[2001:0:7f00:1::] [100::1] [3fff::1]".split(" "),
    ..."localhost LOCALHOST localhost. a.localhost router.local metadata.google.internal nas.home.arpa".split(
      " ",
    ),
    ..."①②⑦.0.0.1 127。0。0。1 %6cocalhost 127.0.0.1%09".split(" "),
  ])("is refused without a connection: %s", async (host) => {
    if (!URL.canParse(`http://${host}:${port}/`)) return expect(host).toContain("%09"); // no URL at all
    const refused = download(new URL(`http://${host}:${port}/`), { ...limits, allowPrivate: false });
    await expect(refused).rejects.toThrow("its host is in a private network or this machine");
    expect(connections).toBe(0);
  });

  test("is one of these, and public ones are not", () => {
    const open = [
      "8.8.8.8",
      "1.1.1.1",
      "172.32.0.1",
      "192.169.0.1",
      "100.128.0.1",
      "2606:4700::1111",
      "2a00::1",
    ];
    expect(open.filter(isPrivateAddress)).toEqual([]);
  });

  test("is fetched where that is allowed", async () => {
    expect(text(await download(new URL(origin), limits))).toBe("hello");
  });
});

test.each([
  ["file:///etc/passwd", "scheme file:"],
  ["ftp://example.org/", "scheme ftp:"],
  ["gopher://example.org/", "scheme gopher:"],
  ["blob:http://example.org/x", "scheme blob:"],
  ["http://user@example.org/", "user name or password"],
  ["http://:secret@example.org/", "user name or password"],
  ["http://example.org\\@user:secret@127.0.0.1/", "its download failed"],
])("refuses the address %s", async (address, message) => {
  const resolver = () => Promise.reject(Object.assign(new Error("no such host"), { code: "ENOTFOUND" }));
  const refused = download(new URL(address), { ...limits, allowPrivate: false, resolver });
  await expect(refused).rejects.toThrow(message);
  expect(connections).toBe(0);
});

describe("the name service", () => {
  const named = () => new URL(`http://example.test:${port}/`);
  const resolvesTo =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

  test.each([
    ["a private address", ["127.0.0.1"]],
    ["a private address among public ones", ["8.8.8.8", "127.0.0.1"]],
    ["a private address of IPv6", ["2606:4700::1111", "::1"]],
  ])("is not followed to %s", async (_, addresses) => {
    const refused = download(named(), { ...limits, allowPrivate: false, resolver: resolvesTo(...addresses) });
    await expect(refused).rejects.toThrow("private network");
    expect(connections).toBe(0);
  });

  test("is asked once for a connection, so that a second answer cannot differ", async () => {
    let asked = 0;
    const resolver = async () => {
      asked++;
      return [{ address: asked === 1 ? "127.0.0.1" : "127.0.0.2", family: 4 }];
    };
    expect(text(await download(named(), { ...limits, resolver }))).toBe("hello");
    expect([asked, connections]).toEqual([1, 1]);
  });

  test("that knows no address gives a retryable problem", async () => {
    const resolver = () => Promise.reject(Object.assign(new Error("none"), { code: "EAI_AGAIN" }));
    const error = await download(named(), { ...limits, resolver }).catch((e) => e);
    expect(error).toBeInstanceOf(MediaProblem);
    expect(error).toMatchObject({ message: "its download failed: EAI_AGAIN", retryable: true });
    await expect(download(named(), { ...limits, resolver: async () => [] })).rejects.toThrow(
      "has no address",
    );
  });
});

describe("redirects", () => {
  const redirect = (location: string | undefined, status = 302): RequestListener => {
    return (request, response) => {
      if (request.url === "/end") return response.end("arrived");
      response.writeHead(status, location === undefined ? {} : { location });
      response.end("elsewhere");
      return response;
    };
  };

  test.each([301, 302, 303, 307, 308])("with status %d are followed", async (status) => {
    answer = redirect("/end", status);
    expect(text(await download(new URL(origin), limits))).toBe("arrived");
  });

  test("are followed three times and not four", async () => {
    answer = (request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) return response.end("arrived");
      return response.writeHead(302, { location: `/${left - 1}` }).end();
    };
    expect(text(await download(new URL("/3", origin), limits))).toBe("arrived");
    await expect(download(new URL("/4", origin), limits)).rejects.toThrow("redirects more than 3 times");
  });

  test.each([
    ["http://169.254.169.254/latest/meta-data", "private network"],
    ["file:///etc/passwd", "scheme file:"],
    ["http://user:secret@example.org/", "user name or password"],
    ["//[::1]/", "private network"],
    ["http://[", "redirects to nowhere"],
    [undefined, "redirects to nowhere"],
  ])("are checked like the first address: %s", async (location, message) => {
    answer = redirect(location);
    // a host that only the resolver knows, so that the first hop passes and the second is checked
    const resolver = async () => [{ address: "127.0.0.1", family: 4 }];
    const url = new URL(`http://example.test:${port}/`);
    const strictAfterFirst = {
      ...limits,
      resolver,
      get allowPrivate() {
        return connections === 0;
      },
    };
    await expect(download(url, strictAfterFirst)).rejects.toThrow(message);
    expect(connections).toBe(1);
  });
});

describe("an answer", () => {
  test("keeps bytes and type, and is asked for plainly", async () => {
    answer = (request, response) => {
      response.setHeader("content-type", "text/csv; charset=utf-8");
      response.end(JSON.stringify(request.headers));
    };
    const received = await download(new URL(origin), limits);
    expect(received.mimeType).toBe("text/csv; charset=utf-8");
    expect(JSON.parse(text(received))).toEqual({
      accept: "*/*",
      "accept-encoding": "identity",
      "user-agent": "abstractllm",
      host: `127.0.0.1:${port}`,
      connection: "close",
    });
  });

  test.each([
    [404, false],
    [403, false],
    [204, false],
    [500, true],
    [503, true],
  ])("with status %d is a problem", async (status, retryable) => {
    answer = (_, response) => response.writeHead(status).end();
    const error = await download(new URL(origin), limits).catch((e) => e);
    expect(error).toMatchObject({ message: `its server answers with status ${status}`, retryable });
  });

  test("that announces too many bytes is not read", async () => {
    answer = (_, response) => response.writeHead(200, { "content-length": "1001" }).write("x");
    await expect(download(new URL(origin), limits)).rejects.toThrow("more than the 1000 bytes");
  });

  test("that is longer than the limit without saying so is cut off", async () => {
    answer = (_, response) => {
      const more = () => response.write("x".repeat(600), () => response.destroyed || setImmediate(more));
      more(); // never ends by itself
    };
    await expect(download(new URL(origin), limits)).rejects.toThrow("more than the 1000 bytes");
  });

  test("that comes compressed unasked is refused", async () => {
    answer = (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("bomb");
    await expect(download(new URL(origin), limits)).rejects.toThrow("compressed (gzip) unasked");
  });

  test("that breaks off is a retryable problem", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    };
    const error = await download(new URL(origin), limits).catch((e) => e);
    expect(error).toBeInstanceOf(MediaProblem);
    expect(error.retryable).toBe(true);
  });

  test("that never ends takes no longer than the limit", async () => {
    answer = (_, response) => response.write("drip");
    const error = await download(new URL(origin), { ...limits, timeoutMs: 50 }).catch((e) => e);
    expect(error).toMatchObject({ message: "its download took longer than 50 ms", retryable: true });
  });

  test("that is no HTTP is a problem", async () => {
    const tcp = createTcpServer((socket) => socket.resume().end("SSH-2.0-OpenSSH_9.6\r\n"));
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    const url = new URL(`http://127.0.0.1:${(tcp.address() as AddressInfo).port}/`);
    await expect(download(url, limits)).rejects.toThrow("its download failed: HPE_");
    await new Promise((resolve) => tcp.close(resolve));
  });

  test("ends with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    answer = (_, response) => {
      response.write("drip");
      controller.abort(reason);
    };
    await expect(download(new URL(origin), { ...limits, signal: controller.signal })).rejects.toBe(reason);
  });
});

test("a connection that is refused is a retryable problem", async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${(closed.address() as AddressInfo).port}/`);
  await new Promise((resolve) => closed.close(resolve));
  const error = await download(url, limits).catch((e) => e);
  expect(error).toMatchObject({ message: "its download failed: ECONNREFUSED", retryable: true });
});
